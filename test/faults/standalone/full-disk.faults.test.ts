import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { VIRTUAL_MACHINES } from '../../../src/api/resource.ts'
import { virtualMachine } from '../../e2e/support/manifests.ts'
import { type ApiUser, createApiUser } from '../support/api-history.ts'
import { expectAgreement, expectOneAtATime, expectUndisturbed } from '../support/checks.ts'
import { partNamed } from '../support/faults.ts'
import { addMachine, type Machine } from '../support/machines.ts'
import { createRecorder, type Recorder } from '../support/recorder.ts'
import { renewOnce } from '../support/renewing.ts'
import { DATA_DIRECTORY, startTogether } from '../support/together.ts'
import type { World } from '../support/world.ts'

const now = () => performance.now()

let world: World
let user: ApiUser
let recorder: Recorder
let early: Machine
let late: Machine
beforeAll(async () => {
  world = await startTogether({
    async prepare({ server, folder }) {
      const disk = join(folder, DATA_DIRECTORY)
      await mkdir(disk)
      await server.exec('mount', ['-t', 'tmpfs', '-o', 'size=4m,mode=0700', 'small-disk', disk])
    },
  })
  user = createApiUser(world.store, now)
  recorder = createRecorder(now)
  const shop = { network: world.machines, user, recorder }
  ;[early, late] = await Promise.all([addMachine(shop, 'udhcpc', 1), addMachine(shop, 'udhcpc', 2)])
  await early.create()
})
afterAll(async () => {
  await Promise.all([early, late].map((machine) => machine?.client.stop()))
  await world?.close()
})

test('on a full disk a new VM is refused with the reason, and clients are served on', async () => {
  await fillDisk()
  const metadata = { name: 'refused', namespace: 'default' }
  const refused = { ...virtualMachine('refused', []), metadata }
  await expect(world.store.create(VIRTUAL_MACHINES, refused)).rejects.toThrow(
    /the data directory took no write/,
  )
  await renewOnce(early, { recorder, now })
})

test('killed and started again on the full disk, it serves what it knew', async () => {
  const standalone = partNamed(world.parts, 'standalone')
  await standalone.kill()
  await standalone.start()
  await renewOnce(early, { recorder, now })
})

test('when there is room again, new VMs are bound, and nothing is lost', async () => {
  const bound = late.create()
  await makeRoom()
  await bound
  await expectAgreement(world, user, [early, late])
  expectUndisturbed(recorder.events)
  expectOneAtATime(user.history)
})

async function fillDisk(): Promise<void> {
  await onDisk('cat /dev/zero > "$0/filler" 2>/dev/null || true')
}

async function makeRoom(): Promise<void> {
  await onDisk('rm "$0/filler"')
}

async function onDisk(script: string): Promise<void> {
  await world.server.exec('sh', ['-c', script, join(world.folder, DATA_DIRECTORY)])
}
