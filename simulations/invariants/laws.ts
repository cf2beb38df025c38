import type { RunningClient } from '../world/guests.ts'
import type { Machine } from '../world/machine.ts'
import type { World } from '../world/world.ts'
import { afterQuiet } from './after-quiet.ts'
import { booksBalance } from './books-balance.ts'
import { clientsAreToldSense } from './clients-are-told-sense.ts'
import { commitBeforeReply } from './commit-before-reply.ts'
import { dataPathWaitsForNobody } from './data-path.ts'
import type { Invariant } from './invariant.ts'
import { keepsItsAddress } from './keeps-its-address.ts'
import { nicsAndWishes } from './nics-and-wishes.ts'
import { noCrash } from './no-crash.ts'
import { oneHolder } from './one-holder.ts'
import { revokedIsNotServed } from './revoked-is-not-served.ts'

/** All that is watched in a world. */
export function laws(world: World): Invariant[] {
  const { judge, plan, agents, windows, scheduler, guests } = world
  const { witness, history, wishes, hearsay } = judge
  const hasFaultyPackets = (network: string) =>
    plan.faults.some(
      (fault) => (fault.type === 'packets' || fault.type === 'liar') && fault.network === network,
    )
  /** What was put there while the agent ran is not what it read. */
  const isReplaced = ({ name, upSince = 0 }: Machine) =>
    plan.faults.some(
      (fault) =>
        fault.type === 'state-file' &&
        fault.damage === 'old' &&
        fault.process === name &&
        fault.at >= upSince &&
        fault.at <= scheduler.now,
    )
  const undisturbedSince = ({ network, vm }: RunningClient) => {
    if (windows.active('packets').some((fault) => fault.network === network)) return undefined
    const ends = plan.faults.flatMap((fault) =>
      fault.type === 'packets' && fault.network === network && fault.at <= scheduler.now
        ? [fault.at + fault.lasts]
        : [],
    )
    return Math.max(0, guests.mutedAt(vm) ?? 0, ...ends)
  }
  const uptimes = agents.map(({ process, network, disk }) => ({
    name: process.machine.name,
    network,
    upSince: () => process.machine.upSince,
    stateFile: () => (isReplaced(process.machine) ? undefined : disk.current),
  }))
  return [
    oneHolder(witness, history),
    commitBeforeReply(witness, history, hearsay),
    keepsItsAddress(witness, history, wishes),
    booksBalance(witness),
    noCrash(witness),
    clientsAreToldSense(witness, history, wishes, (network) => !hasFaultyPackets(network)),
    revokedIsNotServed(witness, history),
    dataPathWaitsForNobody(witness, history, uptimes, undisturbedSince),
    afterQuiet(witness, history, wishes),
    nicsAndWishes(witness, history),
  ]
}
