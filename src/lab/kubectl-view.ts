import * as z from 'zod'
import { formatTable } from '../observe/table.ts'

const tableSchema = z.object({
  columnDefinitions: z.array(z.object({ name: z.string(), priority: z.number() })),
  rows: z.array(z.object({ cells: z.array(z.unknown()) })),
})

/** What `kubectl get` prints for a list or an object: the table as the API server makes it. */
export async function getTable(server: string, path: string): Promise<string> {
  const response = await fetch(new URL(path, server), {
    headers: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' },
  })
  const { columnDefinitions, rows } = tableSchema.parse(await response.json())
  const isShown = (index: number) => columnDefinitions[index]?.priority === 0
  const header = columnDefinitions.filter((_, index) => isShown(index)).map(({ name }) => name.toUpperCase())
  const cells = rows.map((row) =>
    row.cells.filter((_, index) => isShown(index)).map((cell) => (cell === null ? '' : String(cell))),
  )
  return formatTable([header, ...cells])
}
