import { cp, readFile, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startManagedDhcp } from '../../e2e/support/program.ts'
import { partNamed } from '../support/faults.ts'
import { DATA_DIRECTORY, startTogether } from '../support/together.ts'
import type { World } from '../support/world.ts'

let world: World
beforeAll(async () => {
  world = await startTogether()
  await partNamed(world.parts, 'standalone').kill()
})
afterAll(() => world?.close())

const DAMAGES: Record<string, (file: string) => Promise<void>> = {
  'cut off in the middle': async (file) => truncate(file, (await readFile(file)).length / 2),
  'garbled at its beginning': (file) => overwrite(file, 0),
  'garbled in the middle': async (file) => overwrite(file, rootOf(await readFile(file)) * 4096),
  'something else': (file) => writeFile(file, 'a letter to a friend\n'.repeat(1_000)),
}

test.each(Object.entries(DAMAGES))(
  'a data file that is %s: standalone says in one line what to do',
  async (name, damage) => {
    const directory = join(world.folder, name.replaceAll(' ', '-'))
    const filter = (source: string) => !source.endsWith('.sock')
    await cp(join(world.folder, DATA_DIRECTORY), directory, { recursive: true, filter })
    const file = join(directory, 'store', 'data.mdb')
    await damage(file)
    const before = await readFile(file)

    const program = startManagedDhcp(world.server, ['standalone', '--data-dir', directory])

    expect(await program.whenEnded).toBe(2)
    expect(program.stderr()).toMatch(/^[^\n]*data directory [^\n]+ [Mm]ove it away to start afresh[^\n]*\n$/)
    expect((await readFile(file)).equals(before)).toBe(true)
  },
)

async function overwrite(file: string, offset: number): Promise<void> {
  const bytes = await readFile(file)
  bytes.fill(0xa5, offset, offset + 4096)
  await writeFile(file, bytes)
}

/** Of the tree of objects, by the younger of the two meta pages. */
function rootOf(bytes: Buffer): number {
  const transaction = (page: number) => bytes.readBigUInt64LE(page * 4096 + 152)
  const meta = transaction(1) > transaction(0) ? 1 : 0
  return Number(bytes.readBigUInt64LE(meta * 4096 + 136))
}
