import { padFrom, padTo, widthOf } from './text.ts'

/** Rows in columns, three spaces between; `right` are the columns of numbers. */
export function inColumns(rows: readonly (readonly string[])[], right: (column: number) => boolean): string {
  const widths = rows.reduce<number[]>((widest, row) => {
    row.forEach((cell, i) => {
      widest[i] = Math.max(widest[i] ?? 0, widthOf(cell))
    })
    return widest
  }, [])
  return rows
    .map((row) => {
      const cells = row.map((cell, i) => (right(i) ? padFrom : padTo)(cell, widths[i] ?? 0))
      return `${cells.join('   ').trimEnd()}\n`
    })
    .join('')
}
