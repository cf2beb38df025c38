import { pino } from 'pino'
import { expect, onTestFinished, test, vi } from 'vitest'
import { startActorSystem } from '../../../actors/system.ts'
import { startVmActor } from '../../../actors/vm/actor.ts'
import type { Observed } from '../../../actors/vm/messages.ts'
import type { KubeObject } from '../../../src/api/object.ts'
import { VIRTUAL_MACHINES } from '../../../src/api/resource.ts'
import { parseObjectKey } from '../../../src/api/values/object-key.ts'
import { seconds } from '../../../src/api/values/time.ts'
import { NotFoundError } from '../../../src/kube/errors.ts'
import type { Clock } from '../../../src/runtime/clock.ts'
import { systemRandom } from '../../../src/runtime/random.ts'
import { systemClock } from '../../../src/runtime/system-clock.ts'
import { createLocalTransport } from '../../../transports/messages/local.ts'
import { vmObject } from '../../support/objects.ts'
import { ScriptedStore } from '../../support/scripted-store.ts'
import { observed } from './driver.ts'

const key = parseObjectKey('default/test-vm')
const log = pino({ level: 'silent' })
const parts = { random: systemRandom, log }

/** On a machine that is busy with others, too. */
const soon = (assertion: () => void) => vi.waitFor(assertion, 10_000)

/** The last that is left of a VM: its configuration, which is to be deleted. */
const REMAINS = observed({ vm: undefined })
const NOTHING = observed({ vm: undefined, config: undefined })

test('a VM that is made again at the moment in which the last of the one before it goes gets its configuration', async () => {
  const { watched, actor, created, finished, release, look } = start()
  await soon(() => expect(release.current).toBeDefined())

  // The watch shows the new one, and before the actor has looked, the answer comes that the old one is gone.
  watched.now = observed({ vm: vmObject(undefined, { uid: 'now' }), config: undefined })
  actor.changed()
  release.current?.()
  await turns()
  look()

  await soon(() => expect(created).toHaveLength(1))
  expect(finished).not.toHaveBeenCalled()
  expect(created[0]?.metadata.ownerReferences).toEqual([expect.objectContaining({ uid: 'now' })])
})

test('of a VM that is gone with all that was left of it nothing is kept', async () => {
  const { watched, actor, created, finished, release, look } = start()
  await soon(() => expect(release.current).toBeDefined())

  release.current?.()
  watched.now = NOTHING
  actor.changed()
  await turns()
  look()

  await soon(() => expect(finished).toHaveBeenCalled())
  expect(created).toEqual([])
})

function start() {
  const looks: (() => void)[] = []
  /** Looks at what changed are taken by hand; everything else takes its time. */
  const clock: Clock = {
    now: systemClock.now,
    after(delay, action) {
      if (delay > 0) return systemClock.after(delay, action)
      looks.push(action)
      return () => {}
    },
  }
  const watched: { now: Observed } = { now: REMAINS }
  const release: { current?: () => void } = {}
  const created: KubeObject[] = []
  const finished = vi.fn()
  const store = new ScriptedStore()
  store.get = async (resource) => {
    const { vm } = watched.now
    if (resource.plural === VIRTUAL_MACHINES.plural && vm !== undefined) return vm
    throw new NotFoundError('it')
  }
  store.delete = () => new Promise<void>((resolve) => (release.current = resolve))
  store.create = async (_, object) => {
    created.push(object)
    return object
  }
  const transport = createLocalTransport({ clock: systemClock, log })
  const system = startActorSystem({ ...parts, clock: systemClock, name: 'controller' })
  onTestFinished(async () => {
    await system.stopAll(seconds(0))
    await transport.close()
  })
  const actor = startVmActor({
    ...parts,
    key,
    system,
    store,
    transport,
    clock,
    observe: () => watched.now,
    record: () => {},
    finished,
  })
  const look = () => {
    for (const action of looks.splice(0)) action()
  }
  return { watched, actor, created, finished, release, look }
}

async function turns(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
}
