#!/bin/sh
# Makes an authority, and certificates of the proxy, the server and a client that it vouches for, in certificates/. For trying out only.
set -eu
cd "$(dirname "$0")"
mkdir -p certificates
cd certificates
key='-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes'
openssl req -x509 $key -days 30 -subj /CN=authority -keyout authority.key -out authority.crt
for name in proxy server client; do
  openssl req $key -subj "/CN=$name" -keyout $name.key -out $name.csr
  echo 'subjectAltName=DNS:localhost,IP:127.0.0.1' > names
  openssl x509 -req -in $name.csr -CA authority.crt -CAkey authority.key -CAcreateserial -days 30 -extfile names -out $name.crt
done
