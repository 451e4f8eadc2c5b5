import type { Cursor } from './cursor.ts'
import { functionOf, ifExists, ifNotExists, typesBetweenBrackets } from './schema.ts'
import { term } from './terms.ts'

/** Behind GRANT, whose last part begins with TO, or REVOKE, where it begins with FROM. */
export function grant(cursor: Cursor, last: 'to' | 'from'): void {
  const at = cursor.mark()
  // A permission may be the name of a role: ALL and some others are not reserved.
  const isOfPermissions = cursor.attempt(() => {
    permissions(cursor)
    cursor.expect('on')
  })
  if (isOfPermissions === null) {
    cursor.reset(at)
    role(cursor)
  } else resource(cursor)
  cursor.expect(last)
  role(cursor)
}

/** Behind LIST. */
export function list(cursor: Cursor): void {
  if (cursor.takes('users') || cursor.takes('superusers')) return
  if (!cursor.takes('roles')) {
    permissions(cursor)
    if (cursor.takes('on')) resource(cursor)
  }
  if (cursor.takes('of')) role(cursor)
  cursor.takes('norecursive')
}

const PERMISSIONS = ['create', 'alter', 'drop', 'select', 'modify', 'authorize', 'describe', 'execute', 'unmask', 'select_masked'] // prettier-ignore

function permissions(cursor: Cursor): void {
  if (cursor.takes('all')) {
    cursor.takes('permissions')
    return
  }
  cursor.list(() => {
    if (!PERMISSIONS.some((word) => cursor.takes(word))) cursor.fail('a permission')
    cursor.takes('permission')
  })
}

function resource(cursor: Cursor): void {
  const at = cursor.mark()
  if (cursor.takes('all')) {
    if (['keyspaces', 'roles', 'mbeans'].some((word) => cursor.takes(word))) return
    if (cursor.takes('functions') || cursor.takes('tables')) {
      if (cursor.takes('in', 'keyspace')) cursor.keyspace()
      return
    }
    cursor.reset(at)
  }
  if (cursor.takes('keyspace') || cursor.takes('schema')) cursor.keyspace()
  else if (cursor.takes('table') || cursor.takes('columnfamily')) cursor.reference('table')
  else otherResource(cursor)
}

/** Words that may be the name of a table as well. */
function otherResource(cursor: Cursor): void {
  const at = cursor.mark()
  if ((cursor.takes('mbean') || cursor.takes('mbeans')) && cursor.isString()) {
    cursor.next()
    return
  }
  cursor.reset(at)
  const isRole = cursor.takes('role') && !cursor.isSymbol('.') && !cursor.isWord('to') && !cursor.isWord('from')
  if (isRole && (cursor.isName || cursor.isString())) return role(cursor)
  cursor.reset(at)
  if (cursor.takes('function') && cursor.isName) {
    functionOf(cursor)
    typesBetweenBrackets(cursor)
    return
  }
  cursor.reset(at)
  cursor.reference('table')
}

/** A name or a string. */
function role(cursor: Cursor): void {
  if (cursor.isString()) cursor.next()
  else cursor.name('a role')
}

/** Behind CREATE, ALTER or DROP, and USER, ROLE or IDENTITY. False where it is none of these. */
export function account(cursor: Cursor, verb: string, what: string): boolean {
  if (what !== 'user' && what !== 'role' && !(what === 'identity' && verb === 'drop')) return false
  if (verb === 'create') ifNotExists(cursor)
  else ifExists(cursor)
  role(cursor)
  if (verb === 'drop') return true
  if (what === 'role') {
    if (cursor.takes('with')) cursor.conjunction(() => roleOption(cursor))
    return true
  }
  if (cursor.takes('with')) userPassword(cursor)
  if (!cursor.takes('superuser')) cursor.takes('nosuperuser')
  return true
}

/** Behind ADD. */
export function addIdentity(cursor: Cursor): void {
  cursor.expect('identity')
  ifNotExists(cursor)
  role(cursor)
  cursor.expect('to', 'role')
  role(cursor)
}

function userPassword(cursor: Cursor): void {
  if (cursor.takes('generated', 'password')) return
  cursor.takes('hashed')
  cursor.expect('password')
  cursor.string()
}

function roleOption(cursor: Cursor): void {
  if (cursor.takes('access')) access(cursor)
  else if (!cursor.takes('generated', 'password')) {
    cursor.takes('hashed')
    if (!['password', 'options', 'superuser', 'login'].some((word) => cursor.takes(word))) cursor.fail('an option')
    cursor.expectSymbol('=')
    term(cursor)
  }
}

/** `TO DATACENTERS {...}`, `FROM CIDRS {...}`, or all of them. */
function access(cursor: Cursor): void {
  const [last] = ['to', 'from'].filter((word) => cursor.takes(word))
  if (last === undefined) cursor.fail('TO or FROM')
  const isAll = cursor.takes('all')
  cursor.expect(last === 'to' ? 'datacenters' : 'cidrs')
  if (isAll) return
  cursor.expectSymbol('{')
  cursor.list(() => cursor.string())
  cursor.expectSymbol('}')
}
