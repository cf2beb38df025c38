import { readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { openStateFile, type StateFile, StateFileError } from '../../../actors/agent/state-file.ts'
import { createStateSaver } from '../../../actors/agent/state-saver.ts'
import type { PoolSnapshot } from '../../../actors/pool/contracts.ts'
import { seconds } from '../../../src/api/values/time.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { recordingLog } from '../../support/recording-log.ts'
import { temporaryDirectory } from '../../support/temporary-kubeconfig.ts'
import { snapshot } from './builders.ts'

const POOL = { namespace: 'default', name: 'net-48' }

test('what was written is read', async () => {
  const directory = path.join(await temporaryDirectory(), 'made', 'when-missing')
  const file = openStateFile(directory, POOL, recordingLog().log)
  expect(await file.read()).toBeUndefined()

  await file.write(snapshot())

  expect(await openStateFile(directory, POOL, recordingLog().log).read()).toEqual(snapshot())
  expect(await readdir(directory)).toEqual(['default.net-48.json'])
})

test.each([
  '',
  '{"version":1',
  '{"version":3,"snapshot":{}}',
  '{"version":1,"snapshot":{"leases":{"x":"y"}}}',
])('a damaged file is set aside, and said so: %s', async (content) => {
  const directory = await temporaryDirectory()
  await writeFile(path.join(directory, 'default.net-48.json'), content)
  const { log, lines } = recordingLog()

  expect(await openStateFile(directory, POOL, log).read()).toBeUndefined()

  expect(await readdir(directory)).toEqual(['default.net-48.json.damaged'])
  expect(lines).toEqual([expect.objectContaining({ msg: expect.stringContaining('damaged') })])
})

test('a file in which a single digit is another one is damaged too', async () => {
  const directory = await temporaryDirectory()
  const file = openStateFile(directory, POOL, recordingLog().log)
  await file.write(snapshot())
  const name = path.join(directory, 'default.net-48.json')
  const text = await readFile(name, 'utf8')
  expect(text).toContain('192.168.48.84')
  await writeFile(name, text.replace('192.168.48.84', '192.168.48.85'))
  const { log, lines } = recordingLog()

  expect(await openStateFile(directory, POOL, log).read()).toBeUndefined()

  expect(lines).toEqual([expect.objectContaining({ msg: expect.stringContaining('damaged') })])
})

test('whichever byte is lost or another one, what is read is what was written, or nothing', async () => {
  const directory = await temporaryDirectory()
  const file = openStateFile(directory, POOL, recordingLog().log)
  await file.write(snapshot())
  const name = path.join(directory, 'default.net-48.json')
  const bytes = await readFile(name)
  await fc.assert(
    fc.asyncProperty(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), async (at, change) => {
      const damaged = Buffer.from(bytes)
      damaged[at] = (damaged[at] ?? 0) ^ change
      await writeFile(name, damaged)
      expect([undefined, snapshot()]).toContainEqual(await file.read())
    }),
    { numRuns: 100 },
  )
})

test('a file of an earlier release, without a checksum, is read', async () => {
  const directory = await temporaryDirectory()
  const text = JSON.stringify({ version: 1, snapshot: snapshot() })
  await writeFile(path.join(directory, 'default.net-48.json'), text)

  expect(await openStateFile(directory, POOL, recordingLog().log).read()).toEqual(snapshot())
})

test('a file of a lease table whose addresses are none is damaged too', async () => {
  const directory = await temporaryDirectory()
  const file = openStateFile(directory, POOL, recordingLog().log)
  await file.write({ ...snapshot(), leases: { nonsense: 'ca:70:82:e6:84:6e' } })

  expect(await file.read()).toBeUndefined()
})

test('a disk that turns one digit of an address gives that address to nobody', async () => {
  const directory = await temporaryDirectory()
  const file = openStateFile(directory, POOL, recordingLog().log)
  await file.write(snapshot({ leases: { '192.168.48.81': 'ca:70:82:e6:84:6e' } }))
  const place = path.join(directory, 'default.net-48.json')
  await writeFile(place, (await readFile(place, 'utf8')).replace('192.168.48.81', '192.168.48.80'))

  expect(await file.read()).toBeUndefined()
})

test('the file of an earlier release, which has no sum, is read', async () => {
  const directory = await temporaryDirectory()
  const file = openStateFile(directory, POOL, recordingLog().log)
  const content = JSON.stringify({ version: 1, snapshot: snapshot() })
  await writeFile(path.join(directory, 'default.net-48.json'), content)

  expect(await file.read()).toEqual(snapshot())
})

test('a file of another pool is damaged too', async () => {
  const directory = await temporaryDirectory()
  const file = openStateFile(directory, POOL, recordingLog().log)
  await file.write({ ...snapshot(), name: 'another' })

  expect(await file.read()).toBeUndefined()
})

test('pools with dots in their names have files of their own', async () => {
  const directory = await temporaryDirectory()
  await openStateFile(directory, { namespace: 'a', name: 'b.c' }, recordingLog().log).write(snapshot())
  await openStateFile(directory, { namespace: 'a', name: 'b' }, recordingLog().log).write(snapshot())

  expect((await readdir(directory)).sort()).toEqual(['a.b.c.json', 'a.b.json'])
})

test('a directory that cannot be written is an error that names the file', async () => {
  const directory = await temporaryDirectory()
  await writeFile(path.join(directory, 'in-the-way'), '')
  const file = openStateFile(path.join(directory, 'in-the-way'), POOL, recordingLog().log)

  await expect(file.write(snapshot())).rejects.toThrow(StateFileError)
  await expect(file.write(snapshot())).rejects.toThrow(/default\.net-48\.json/)
})

/** A disk whose writes end when the test says so. */
class SlowFile implements StateFile {
  writes: PoolSnapshot[] = []
  active = 0
  mostActive = 0
  removed = 0
  fail = false
  readonly #waiting: (() => void)[] = []
  async read() {
    return undefined
  }
  async write(content: PoolSnapshot) {
    this.writes.push(content)
    this.active++
    this.mostActive = Math.max(this.mostActive, this.active)
    await new Promise<void>((resolve) => this.#waiting.push(resolve))
    this.active--
    if (this.fail) throw new StateFileError('file', { cause: new Error('disk full') })
  }
  async remove() {
    this.removed++
  }
  finish() {
    for (const done of this.#waiting.splice(0)) done()
  }
}

function saverOf(file: StateFile) {
  const clock = new ManualClock()
  const { log, lines } = recordingLog()
  const table: { current: PoolSnapshot | undefined } = { current: snapshot() }
  const saver = createStateSaver({ file, current: () => table.current, clock, log })
  return { clock, lines, table, saver }
}

test('many changes make one write, of what is current then', async () => {
  const file = new SlowFile()
  const { clock, table, saver } = saverOf(file)
  for (let revision = 1; revision <= 100; revision++) {
    table.current = snapshot({ revision })
    saver.changed()
  }

  await clock.advance(seconds(1))
  file.finish()
  await clock.advance(seconds(10))

  expect(file.writes.map(({ revision }) => revision)).toEqual([100])
})

test('at the end the write under way is waited for, and what came since is written after it', async () => {
  const file = new SlowFile()
  const { clock, table, saver } = saverOf(file)
  saver.changed()
  await clock.advance(seconds(1))
  table.current = snapshot({ revision: 6 })
  saver.changed()

  let isFlushed = false
  const flushed = saver.flush().then(() => {
    isFlushed = true
  })
  await clock.settle()
  expect(isFlushed).toBe(false)
  for (let turn = 0; turn < 5; turn++) {
    file.finish()
    await clock.settle()
  }
  await flushed

  expect(file.writes.at(-1)?.revision).toBe(6)
  expect(file.mostActive).toBe(1)
})

test('a full disk is said, and tried again', async () => {
  const file = new SlowFile()
  const { clock, lines, saver } = saverOf(file)
  file.fail = true
  saver.changed()
  await clock.advance(seconds(1))
  file.finish()
  await clock.settle()
  expect(lines).toEqual([expect.objectContaining({ msg: expect.stringContaining('state file not written') })])

  file.fail = false
  await clock.advance(seconds(6))
  file.finish()
  await clock.advance(seconds(10))

  expect(file.writes).toHaveLength(2)
})

test('the file of a pool that is gone goes', async () => {
  const file = new SlowFile()
  const { clock, table, saver } = saverOf(file)
  table.current = undefined

  saver.changed()
  await clock.advance(seconds(1))

  expect(file.removed).toBe(1)
})
