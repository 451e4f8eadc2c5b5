/** A name as CQL writes it, so that no two names look the same: quoted where it has more than letters in lower case, digits and `_`. */
export function cqlName(name: string): string {
  return /^[a-z_][a-z0-9_]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`
}
