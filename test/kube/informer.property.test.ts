import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { KubeObject } from '../../src/api/object.ts'
import { IP_POOLS } from '../../src/api/resource.ts'
import { formatObjectKey } from '../../src/api/values/object-key.ts'
import { minutes, seconds } from '../../src/api/values/time.ts'
import { ExpiredError, UnavailableError } from '../../src/kube/errors.ts'
import { createInformer } from '../../src/kube/informer.ts'
import type { ObjectList, WatchEvent } from '../../src/kube/store.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { recordingLog } from '../support/recording-log.ts'
import { ScriptedStore, type ScriptedWatch } from '../support/scripted-store.ts'
import { seededRandom } from '../support/seeded-random.ts'

interface Recorded {
  version: number
  event: WatchEvent
}

/** An API server with one kind of object, a history, and every way to fail that was met in the field. */
class UnreliableServer {
  readonly store = new ScriptedStore()
  version = 1
  objects = new Map<string, KubeObject>()
  #history: Recorded[] = []
  #compacted = 0
  #backup: { version: number; objects: Map<string, KubeObject> } = { version: 1, objects: new Map() }
  #open = new Map<ScriptedWatch, { isMute: boolean }>()
  failingLists = 0
  failingWatches = 0
  #uids = 0

  constructor() {
    this.store.answer = () => this.#list()
    this.store.opened = (watch) => this.#opened(watch)
  }

  put(name: string): void {
    this.version += 1
    const uid = this.objects.get(name)?.metadata.uid ?? `uid-${++this.#uids}`
    const metadata = { namespace: 'default', name, uid, resourceVersion: String(this.version) }
    const type = this.objects.has(name) ? 'MODIFIED' : 'ADDED'
    this.objects.set(name, { metadata })
    this.#publish({ type, object: { metadata } })
  }

  remove(name: string): void {
    const object = this.objects.get(name)
    if (object === undefined) return
    this.version += 1
    this.objects.delete(name)
    const metadata = { ...object.metadata, resourceVersion: String(this.version) }
    this.#publish({ type: 'DELETED', object: { metadata } })
  }

  endWatches(error?: Error): void {
    const open = [...this.#open.keys()]
    this.#open.clear()
    for (const watch of open) watch.end(error)
  }

  muteWatches(): void {
    for (const watch of this.#open.values()) watch.isMute = true
  }

  compact(): void {
    this.#compacted = this.version
    this.#history = []
  }

  backUp(): void {
    this.#backup = { version: this.version, objects: new Map(this.objects) }
  }

  restore(error?: Error): void {
    this.version = this.#backup.version
    this.objects = new Map(this.#backup.objects)
    this.#history = []
    this.#compacted = Math.min(this.#compacted, this.version)
    this.endWatches(error)
  }

  #list(): ObjectList {
    if (this.failingLists > 0) {
      this.failingLists -= 1
      throw new UnavailableError(500, 'etcd is down')
    }
    return { items: structuredClone([...this.objects.values()]), resourceVersion: String(this.version) }
  }

  #opened(watch: ScriptedWatch): void {
    const since = Number(watch.options.resourceVersion)
    queueMicrotask(() => {
      if (this.failingWatches > 0) {
        this.failingWatches -= 1
        watch.end(new UnavailableError(500, 'Internal Server Error'))
      } else if (since < this.#compacted) watch.end(new ExpiredError('too old resource version'))
      else {
        this.#open.set(watch, { isMute: false })
        for (const { version, event } of this.#history) if (version > since) watch.send(event)
      }
    })
  }

  #publish(event: WatchEvent): void {
    this.#history.push({ version: this.version, event })
    for (const [watch, { isMute }] of this.#open) {
      // A watch from a version that is yet to come stays silent until then.
      const isDue = this.version > Number(watch.options.resourceVersion)
      if (!isMute && isDue && !watch.stopped) watch.send(structuredClone(event))
    }
  }
}

const reset = new UnavailableError(0, 'read ECONNRESET')
const name = fc.constantFrom('a', 'b', 'c')
const few = fc.integer({ min: 1, max: 3 })

type Action = readonly [text: string, act: (server: UnreliableServer) => void]
const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 6, arbitrary: name.map((name): Action => [`put ${name}`, (server) => server.put(name)]) },
  { weight: 3, arbitrary: name.map((name): Action => [`remove ${name}`, (server) => server.remove(name)]) },
  {
    weight: 6,
    arbitrary: fc.constantFrom<Action>(
      ['watches are closed', (server) => server.endWatches()],
      ['watches are reset', (server) => server.endWatches(reset)],
      ['watches fall silent', (server) => server.muteWatches()],
      ['history is compacted', (server) => server.compact()],
      ['a backup is made', (server) => server.backUp()],
      ['the backup is restored, connections reset', (server) => server.restore(reset)],
      ['the backup is restored, connections closed', (server) => server.restore()],
    ),
  },
  few.map((count): Action => [`${count} lists fail`, (server) => (server.failingLists += count)]),
  few.map((count): Action => [`${count} watches fail`, (server) => (server.failingWatches += count)]),
)
const step = fc.tuple(action, fc.constantFrom(0, 0, 0, 1, 15, 100))

test('whatever fails, in whatever order, cache and handlers end with what is true', async () => {
  const script = fc.array(step, { minLength: 1, maxLength: 25 })
  await fc.assert(
    fc.asyncProperty(script, async (steps) => {
      const clock = new ManualClock()
      const server = new UnreliableServer()
      const { log } = recordingLog()
      const informer = createInformer({
        store: server.store,
        resource: IP_POOLS,
        clock,
        random: seededRandom(steps.length),
        log,
        idleTimeout: minutes(2),
      })
      const heard = new Map<string, KubeObject>()
      const previousMismatches: unknown[] = []
      informer.onChange((key, object, previous) => {
        const text = formatObjectKey(key)
        if (!isDeepStrictEqual(previous, heard.get(text))) previousMismatches.push([text, previous])
        if (object === undefined) heard.delete(text)
        else heard.set(text, object)
      })

      informer.start()
      for (const [[, act], wait] of steps) {
        act(server)
        await clock.advance(seconds(wait))
      }
      await clock.advance(minutes(5))

      const truth = [...server.objects.values()].sort(byName)
      expect(informer.list().sort(byName)).toEqual(truth)
      expect([...heard.values()].sort(byName)).toEqual(truth)
      expect(previousMismatches).toEqual([])
      expect(informer.healthy(clock.now())).toBe(true)
      informer.stop()
      expect(clock.pending).toBe(0)
    }),
    { numRuns: 300 },
  )
})

function byName(a: KubeObject, b: KubeObject): number {
  return a.metadata.name < b.metadata.name ? -1 : 1
}
