import { existsSync } from 'node:fs'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from '../../e2e/support/eventually.ts'
import { startApart } from '../support/apart.ts'
import { type ApiUser, createApiUser } from '../support/api-history.ts'
import { expectAgreement, expectOneAtATime, expectUndisturbed } from '../support/checks.ts'
import { partNamed } from '../support/faults.ts'
import { addMachine, type Machine } from '../support/machines.ts'
import { createRecorder, type Recorder } from '../support/recorder.ts'
import { renewOnce } from '../support/renewing.ts'
import { POOL, type World } from '../support/world.ts'

/** An agent that starts while API and broker are down has nothing but its state file. */
const now = () => performance.now()

let world: World
let user: ApiUser
let recorder: Recorder
let early: Machine
let late: Machine
let folder: string
let file: string
beforeAll(async () => {
  // Long, so that no client renews by itself while nobody can answer it.
  world = await startApart({ leaseSeconds: 300 })
  user = createApiUser(world.store, now)
  recorder = createRecorder(now)
  const shop = { network: world.machines, user, recorder }
  ;[early, late] = await Promise.all([addMachine(shop, 'udhcpc', 1), addMachine(shop, 'udhcpc', 2)])
  folder = join(world.folder, 'state')
  file = join(folder, `${POOL.namespace}.${POOL.name}.json`)
  await early.create()
  await untilSaved(early)
})
afterAll(async () => {
  await Promise.all([early, late].map((machine) => machine?.client.stop()))
  await world?.close()
})

const DAMAGES: Record<string, (text: string) => string> = {
  garbled: (text) => text.replaceAll('"', '\u0000'),
  'cut off': (text) => text.slice(0, text.length / 2),
  empty: () => '',
  'of a later version': (text) => text.replace('"version":2', '"version":99'),
  'of another pool': (text) => text.replaceAll('net-48', 'net-49'),
}

test.each(Object.entries(DAMAGES))(
  'a state file that is %s is set aside, and learned again from the API',
  async (_name, damage) => {
    const text = await readFile(file, 'utf8')
    await inTheDark(async () => {
      await agent().kill()
      await writeFile(file, damage(text))
      await agent().start()
      await agent().program.says(/state file damaged; set aside/)
      expect(agent().program.ended()).toBeUndefined()
    })
    await renewOnce(early, { recorder, now })
    await untilSaved(early)
    expect(existsSync(`${file}.damaged`)).toBe(true)
    await rm(`${file}.damaged`)
  },
)

test('an old state file: who is in it is served in the dark, who came later when there is light', async () => {
  const old = await readFile(file, 'utf8')
  await late.create()
  await untilSaved(late)
  await inTheDark(async () => {
    await agent().kill()
    await writeFile(file, old)
    await agent().start()
    await renewOnce(early, { recorder, now })
  })
  await renewOnce(late, { recorder, now })
  await expectAgreement(world, user, [early, late])
})

test.each([
  ['read-only', 'ro'],
  ['full', 'size=4k'],
])('a state directory that is %s: the agent says so, and serves', async (_name, option) => {
  await agent().kill()
  await world.server.exec('mount', ['-t', 'tmpfs', '-o', option, 'disk', folder])
  if (option !== 'ro')
    await world.server.exec('sh', ['-c', 'cat /dev/zero > "$0/filler" 2>/dev/null || true', folder])
  await agent().start()
  await agent().program.says(/state file not written; after a restart without API/)
  await renewOnce(early, { recorder, now })
  await inTheDark(async () => {
    await renewOnce(early, { recorder, now })
    await agent().kill()
    await agent().start()
    // It knows nothing, and waits.
    await wait(2_000)
    expect(agent().program.ended()).toBeUndefined()
  })
  await renewOnce(early, { recorder, now })
  await agent().kill()
  await world.server.exec('umount', [folder])
  await agent().start()
})

test('through all of that no address had two holders, and nobody was moved', async () => {
  await renewOnce(late, { recorder, now })
  await expectAgreement(world, user, [early, late])
  expectUndisturbed(recorder.events)
  expectOneAtATime(user.history)
})

const agent = () => partNamed(world.parts, 'agent')

async function inTheDark(action: () => Promise<void>): Promise<void> {
  const parts = ['api', 'nats'].map((name) => partNamed(world.parts, name))
  await Promise.all(parts.map((part) => part.kill()))
  await action()
  await Promise.all(parts.map((part) => part.start()))
}

function untilSaved({ mac }: Machine): Promise<true> {
  return eventually(`${mac} in the state file`, async () =>
    (await readFile(file, 'utf8')).includes(mac) ? true : undefined,
  )
}
