import type { RunningClient } from '../world/guests.ts'
import type { Machine } from '../world/machine.ts'
import type { World } from '../world/world.ts'
import { addressesRest } from './addresses-rest.ts'
import { afterQuiet } from './after-quiet.ts'
import { booksAfterQuiet } from './books-after-quiet.ts'
import { booksBalance } from './books-balance.ts'
import { clientsAreToldSense } from './clients-are-told-sense.ts'
import { commitBeforeReply } from './commit-before-reply.ts'
import { dataPathWaitsForNobody } from './data-path.ts'
import { Disturbances } from './disturbances.ts'
import { editsReachReplies } from './edits-reach-replies.ts'
import type { Invariant } from './invariant.ts'
import { keepsItsAddress } from './keeps-its-address.ts'
import { memoryIsBounded } from './memory-is-bounded.ts'
import { nicsAndWishes } from './nics-and-wishes.ts'
import { noCrash } from './no-crash.ts'
import { oneHolder } from './one-holder.ts'
import { pausedIsPaused } from './paused.ts'
import { revokedIsNotServed } from './revoked-is-not-served.ts'
import { wishesComeTrue } from './wishes-come-true.ts'
import type { AgentUptime } from './serving.ts'
import { whoHasItIsServed } from './who-has-it-is-served.ts'

/** All that is watched in a world. */
export function laws(world: World): Invariant[] {
  const { judge, plan, agents, windows, scheduler, guests } = world
  const { witness, history, wishes, hearsay } = judge
  const disturbances = new Disturbances({
    faults: plan.faults,
    windows,
    mutedAt: (vm) => guests.mutedAt(vm),
    isMuted: (client) => guests.isMuted(client),
  })
  const areIntact = (network: string) => disturbances.areIntact(network)
  const hadPackets = (client: RunningClient) => disturbances.undisturbedSince(client)
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
  const uptimes: AgentUptime[] = agents.map(({ process, network, disk }) => ({
    name: process.machine.name,
    network,
    upSince: () => process.machine.upSince,
    stateFile: () => (isReplaced(process.machine) ? undefined : disk.current),
  }))
  return [
    oneHolder(witness, history),
    addressesRest(witness, history),
    commitBeforeReply(witness, history, hearsay, plan.leaderElection || plan.controllers === 1),
    keepsItsAddress(witness, history, wishes),
    booksBalance(witness),
    noCrash(witness),
    clientsAreToldSense(witness, history, wishes, areIntact),
    editsReachReplies(witness, history, hearsay, areIntact),
    revokedIsNotServed(witness, history, hearsay),
    dataPathWaitsForNobody(witness, history, uptimes, hadPackets),
    whoHasItIsServed({ witness, history, hearsay, agents: uptimes, hadPackets }),
    afterQuiet(witness, history, wishes),
    nicsAndWishes(witness, history, wishes),
    wishesComeTrue(witness, history, wishes),
    booksAfterQuiet(witness, history),
    pausedIsPaused(witness, history, wishes),
    memoryIsBounded(
      witness,
      agents.map(({ process }) => ({ name: process.machine.name, remembered: process.remembered })),
    ),
  ]
}
