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
  /** With each fault one of them comes and the other one goes. The first is there. */
  readonly squads: readonly [readonly Machine[], readonly Machine[]]
  /** They take over addresses of others. */
  readonly heirs: readonly Machine[]
  close(): Promise<void>
}

const RESIDENTS = ['udhcpc', 'dhclient', 'dhcpcd'] as const
const SQUAD = 16
/** Of a squad, half goes in the storm; two of those return at once, and the rest goes when the storm is over. */
export const LEAVING = SQUAD / 2
export const RETURNING = 2
/** For as many as there are ever at once, and a few more: who comes has to take what others have just given back. */
export const FLEET_CAPACITY = RESIDENTS.length + SQUAD + (SQUAD - LEAVING) + RETURNING + 4

export async function buildFleet(world: World): Promise<Fleet> {
  const now = () => performance.now()
  const user = createApiUser(world.store, now)
  const recorder = createRecorder(now)
  const shop = { network: world.machines, user, recorder }
  const squad = (first: number) =>
    Promise.all(Array.from({ length: SQUAD }, (_, number) => addMachine(shop, 'udhcpc', first + number)))
  const residents = await Promise.all(RESIDENTS.map((kind, number) => addMachine(shop, kind, number)))
  const squads = [await squad(100), await squad(150)] as const
  const heirs = await Promise.all([200, 201, 202].map((number) => addMachine(shop, 'udhcpc', number)))
  await Promise.all([...residents, ...squads[0]].map((machine) => machine.create()))
  return {
    ...{ user, recorder, now, residents, squads, heirs },
    async close() {
      await Promise.all([...residents, ...squads.flat(), ...heirs].map(({ client }) => client.stop()))
    },
  }
}
