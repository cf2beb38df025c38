import { closeSync, cpSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { DataDirectoryError } from '../../src/embedded/backend/errors.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { openTestApi } from './support.ts'

const CONFIG_MAPS = { group: '', version: 'v1', plural: 'configmaps', kind: 'ConfigMap', namespaced: true }
const COUNT = 60
const PAGE = 4096

let folder: string
let intact: string
let pages: number
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'damaged-file-'))
  intact = join(folder, 'intact')
  const api = await openTestApi({ dataDirectory: intact })
  for (let index = 0; index < COUNT; index++) {
    // Some fit several into a page, some need several pages.
    const data = { text: 'x'.repeat(index * 90) }
    await api.store.create(CONFIG_MAPS, { metadata: { name: `c${index}`, namespace: 'default' }, data })
  }
  await api.close()
  pages = readFileSync(join(intact, 'data.mdb')).length / PAGE
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const random = seededRandom(7)
const noise = (bytes: number) =>
  Buffer.from(Array.from({ length: bytes }, () => Math.floor(random.next() * 256)))
const DAMAGES: [name: string, bytes: () => Buffer, offset: number][] = [
  ['noise', () => noise(PAGE), 0],
  ['zeros', () => Buffer.alloc(PAGE), 0],
  ['noise in its second half', () => noise(PAGE / 2), PAGE / 2],
  ['zeros behind its header', () => Buffer.alloc(512), 24],
]

test.each(DAMAGES)(
  'a page that is %s: the directory is refused, or nothing is missing',
  async (name, bytes, offset) => {
    const outcomes = { refused: 0, complete: 0 }
    for (let page = 2; page < pages; page++) {
      const directory = join(folder, `${name}-${page}`)
      cpSync(intact, directory, { recursive: true })
      const file = openSync(join(directory, 'data.mdb'), 'r+')
      const damage = bytes()
      writeSync(file, damage, 0, damage.length, page * PAGE + offset)
      closeSync(file)
      outcomes[await openAndCount(directory)] += 1
      rmSync(directory, { recursive: true })
    }
    // Pages that are free may hold anything.
    expect(outcomes.refused).toBeGreaterThan(10)
  },
)

async function openAndCount(dataDirectory: string): Promise<'refused' | 'complete'> {
  try {
    const api = await openTestApi({ dataDirectory })
    const { items } = await api.store.list(CONFIG_MAPS)
    await api.close()
    expect(items).toHaveLength(COUNT)
    return 'complete'
  } catch (error) {
    if (!(error instanceof DataDirectoryError)) throw error
    expect(error.message).toMatch(/[Mm]ove it away to start afresh/)
    return 'refused'
  }
}
