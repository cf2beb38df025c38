import { createApiUser, type ApiUser } from './api-history.ts'
import { addMachine, type Machine } from './machines.ts'
import { createRecorder, type Recorder } from './recorder.ts'
import type { World } from './world.ts'

/** Machines with DHCP clients of all kinds, and a record of all that they and their VMs' owner see. */
export interface Fleet {
  readonly user: ApiUser
  readonly recorder: Recorder
  readonly now: () => number
  /** One of each kind of client, which stay the whole time and renew by their own clocks. */
  readonly residents: readonly Machine[]
  /** Come and go with each fault. */
  readonly storm: readonly Machine[]
  readonly newcomer: Machine
  close(): Promise<void>
}

const STORM = 27

export async function buildFleet(world: World): Promise<Fleet> {
  const now = () => performance.now()
  const user = createApiUser(world.store, now)
  const recorder = createRecorder(now)
  const shop = { network: world.machines, user, recorder }
  const residents = await Promise.all(
    (['udhcpc', 'dhclient', 'dhcpcd'] as const).map((kind, number) => addMachine(shop, kind, number)),
  )
  const storm = await Promise.all(
    Array.from({ length: STORM }, (_, number) => addMachine(shop, 'udhcpc', 100 + number)),
  )
  const newcomer = await addMachine(shop, 'udhcpc', 200)
  await Promise.all(residents.map((machine) => machine.create()))
  return {
    ...{ user, recorder, now, residents, storm, newcomer },
    async close() {
      await Promise.all([...residents, ...storm, newcomer].map(({ client }) => client.stop()))
    },
  }
}
