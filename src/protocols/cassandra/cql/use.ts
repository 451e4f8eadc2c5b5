import { Lexer } from './lexer.ts'

/** The keyspace that `USE` names, as the server has it; '' where that can't be read. Null where the statement is another one. */
export function usedKeyspace(bytes: Buffer, at: number, end: number): string | null {
  const lexer = new Lexer(bytes, at, end)
  lexer.next()
  if (!lexer.isWord('use')) return null
  lexer.next()
  return lexer.isName ? lexer.text : ''
}
