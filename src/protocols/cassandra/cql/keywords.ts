/** Words that name nothing unless they are quoted: the keywords of Lexer.g that Parser.g has not among `unreserved_keyword`. */
export const RESERVED: ReadonlySet<string> = new Set(
  `add allow alter and apply asc authorize batch begin by columnfamily create delete desc describe drop entries
  execute false from full grant if in index infinity insert into is keyspace limit materialized modify nan norecursive
  not null of on or order primary rename revoke schema select set table to token true truncate unlogged update use
  using view where with`.split(/\s+/),
)
