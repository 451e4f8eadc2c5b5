const LONGEST_SECONDS = 64

/** Seconds to wait after so many failures in a row: 1, 2, 4 and so on up to 64. */
export function backoffSeconds(failures: number): number {
  return Math.min(LONGEST_SECONDS, 2 ** (failures - 1))
}
