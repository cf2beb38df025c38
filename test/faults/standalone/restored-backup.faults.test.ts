import { cp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { ClientEvent } from '../history/events.ts'
import { startApart } from '../support/apart.ts'
import { type ApiUser, createApiUser } from '../support/api-history.ts'
import { expectAgreement, expectUndisturbed } from '../support/checks.ts'
import { partNamed } from '../support/faults.ts'
import { addMachine, type Machine } from '../support/machines.ts'
import { createRecorder, type Recorder } from '../support/recorder.ts'
import type { World } from '../support/world.ts'

/** Until it is over, what a backup forgot is not given to others: longer than a slow machine takes to start an API. */
const LEASE_SECONDS = 40

/**
 * The API server goes back to a copy of its data. A VM that came after the copy is unknown to it, and runs all the same,
 * with a lease.
 */
let world: World
let user: ApiUser
let recorder: Recorder
let early: Machine
let unknown: Machine
let late: Machine
beforeEach(async () => {
  world = await startApart({ leaseSeconds: LEASE_SECONDS })
  const now = () => performance.now()
  user = createApiUser(world.store, now)
  recorder = createRecorder(now)
  const add = (number: number) => addMachine({ network: world.machines, user, recorder }, 'udhcpc', number)
  ;[early, unknown, late] = await Promise.all([add(1), add(2), add(3)])
  await early.create()
  await withApiDown(() => copy('api', 'backup'))
  await unknown.create()
})
afterEach(async () => {
  await Promise.all([early, unknown, late].map((machine) => machine?.client.stop()))
  await world?.close()
})

test('while controller and agent run on: the lost VM keeps its address, and gets it again when it is made again', async () => {
  const address = unknown.address
  await withApiDown(restore)
  await late.create()
  expect(late.address).not.toBe(address)
  expect(await user.create(unknown.name, unknown.mac)).toBe(address)
  await expectAgreement(world, user, [early, unknown, late])
  expectUndisturbed(recorder.events)
})

test('a VM made again is not told an address that only the controller still believes in', async () => {
  await withApiDown(restore)
  await user.create(unknown.name, unknown.mac)
  await expectAgreement(world, user, [early, unknown])
  expectUndisturbed(recorder.events)
})

test('when no controller remembers the lost VM: the agent does, also after a restart, until the lease has run out', async () => {
  const parts = ['controller', 'agent'].map((name) => partNamed(world.parts, name))
  await withApiDown(async () => {
    await Promise.all(parts.map((part) => part.kill()))
    await restore()
  })
  await Promise.all(parts.map((part) => part.start()))
  await late.create()
  await expectAgreement(world, user, [early, late])
  // Nobody asks for an address for the lost VM any more: its lease may run out, and does not go to another before.
  const isAtAnEnd = ({ mac, type }: ClientEvent) => mac === unknown.mac && type === 'expired'
  expectUndisturbed(recorder.events.filter((event) => !isAtAnEnd(event)))
})

async function withApiDown(action: () => Promise<void>): Promise<void> {
  const api = partNamed(world.parts, 'api')
  await api.kill()
  await action()
  await api.start()
}

async function restore(): Promise<void> {
  await rm(join(world.folder, 'api'), { recursive: true })
  await copy('backup', 'api')
}

/** Files only: a server that was killed leaves its socket behind. */
async function copy(from: string, to: string): Promise<void> {
  const filter = (source: string) => !source.endsWith('.sock')
  await cp(join(world.folder, from), join(world.folder, to), { recursive: true, filter })
}
