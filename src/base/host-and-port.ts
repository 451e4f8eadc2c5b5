/** `host:port`; the host of an IPv6 address may stand in brackets. Null where the text is something else. */
export function hostAndPort(text: string): { host: string; port: number } | null {
  const at = text.lastIndexOf(':')
  const port = text.slice(at + 1)
  if (at < 1 || !/^\d{1,5}$/.test(port) || Number(port) > 65535) return null
  return { host: text.slice(0, at).replace(/^\[(.*)\]$/, '$1'), port: Number(port) }
}

/** `host:port`, as `hostAndPort` reads it. */
export function addressText({ host, port }: { readonly host: string; readonly port: number }): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
