/** Days since 1970 of `yyyy-mm-dd`; undefined where there is no such day. */
export function parseDate(text: string): number | undefined {
  const match = /^(\d{4})-(\d\d?)-(\d\d?)$/.exec(text)
  if (match === null) return undefined
  const [year, month, day] = match.slice(1).map(Number) as [number, number, number]
  if (month < 1 || month > 12 || day < 1 || day > daysOf(year, month)) return undefined
  // Years begin in March here, so that the day more of a leap year is their last.
  const years = month > 2 ? year : year - 1
  const leapDays = Math.floor(years / 4) - Math.floor(years / 100) + Math.floor(years / 400)
  const dayOfYear = Math.floor((153 * ((month + 9) % 12) + 2) / 5) + day - 1
  return years * 365 + leapDays + dayOfYear - DAYS_TO_1970
}

/** From the first of March of the year 0. */
const DAYS_TO_1970 = 719_468

function daysOf(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28
  return [4, 6, 9, 11].includes(month) ? 30 : 31
}

/** Nanoseconds of the day of `hh:mm:ss[.fffffffff]`; undefined where there is no such time. */
export function parseTime(text: string): bigint | undefined {
  const match = /^(\d\d?):(\d\d?):(\d\d?)(?:\.(\d{1,9}))?$/.exec(text)
  if (match === null) return undefined
  const [hours, minutes, seconds] = match.slice(1, 4).map(Number) as [number, number, number]
  if (hours > 23 || minutes > 59 || seconds > 59) return undefined
  return BigInt((hours * 60 + minutes) * 60 + seconds) * 1_000_000_000n + BigInt((match[4] ?? '').padEnd(9, '0'))
}

const TIMESTAMP = /^(\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d)(:\d\d)?(\.\d{1,3})?)? ?(Z|[+-]\d\d(?::?\d\d)?)$/

/**
 * Milliseconds since 1970 of `yyyy-mm-dd[ hh:mm[:ss[.fff]]]` with its zone, `Z` or `+hh[mm]`. Undefined without: then the server's own zone
 * counts, which nobody here knows.
 */
export function parseTimestamp(text: string): bigint | undefined {
  const match = TIMESTAMP.exec(text)
  if (match === null) return undefined
  const [date, minutes, seconds, fraction, zone] = match.slice(1)
  const days = parseDate(date!)
  const time = parseTime(`${minutes ?? '00:00'}${seconds ?? ':00'}${fraction ?? ''}`)
  if (days === undefined || time === undefined || (seconds === undefined && fraction !== undefined)) return undefined
  const minutesAhead = zoneMinutes(zone!)
  if (Math.abs(minutesAhead) > ZONE_MINUTES_MAX) return undefined
  return BigInt(days) * 86_400_000n + time / 1_000_000n - BigInt(minutesAhead) * 60_000n
}

const ZONE_MINUTES_MAX = 18 * 60

function zoneMinutes(zone: string): number {
  if (zone === 'Z') return 0
  const digits = zone.slice(1).replace(':', '').padEnd(4, '0')
  const minutes = Number(digits.slice(0, 2)) * 60 + Number(digits.slice(2))
  return zone.startsWith('-') ? -minutes : minutes
}
