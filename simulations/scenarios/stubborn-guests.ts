import type { Fault } from '../plan/faults.ts'
import type { Operation } from '../plan/operations.ts'
import { agents, controllers, cutOff, diesWriting, killed, stopped } from './blows.ts'
import { mac, network } from './cluster.ts'
import { scenarioOf } from './day.ts'
import { machine, moments, networkOf, times, vmName, within } from './fleet.ts'
import { guestTrouble } from './guest-trouble.ts'
import { renamed, withOwnPool } from './other-names.ts'

/**
 * What the API says of a VM is not what its guest does: it keeps its old MAC until it is started again, it was suspended
 * or set back, or it runs on where nobody can reach it. Others wait for each address that is given back.
 */
export const stubbornGuests = scenarioOf({
  name: 'stubborn-guests',
  description: 'guests lag behind their VMs, are paused and set back, and run on where their node is lost',
  reaches: [
    'guest lags behind × BOUND',
    'guest paused × BOUND',
    'guest restored × BOUND',
    'guest stranded × BOUND',
    'release at shutdown × BOUND',
    'crash × controller leading',
  ],
  day(chance) {
    const machines = chance.integer(3, 7)
    const size = Math.max(machines + chance.pick([-1, 0, 1]), 2)
    const isUnusual = chance.happens(0.4)
    const networks = times(chance.integer(1, 2), (index) => {
      const on = network(index + 1, size, chance.pick([10, 20, 40]), chance.happens(0.2) ? 2 : 1)
      return isUnusual ? withOwnPool(chance, on) : on
    })
    const replicas = chance.integer(1, 2)
    const durationMs = 200_000
    const all = { from: 10_000, to: durationMs - 20_000 }
    const vm = () => vmName(chance.integer(0, machines - 1))
    let macs = 500
    const change = () =>
      chance.happens(0.5) ? { mac: mac(macs++) } : { network: chance.pick(networks).name }
    const troubles = moments(chance, chance.integer(3, 12), all).flatMap((at) =>
      guestTrouble(chance, vm(), at, change),
    )
    // Those who are waiting for what is given back, and come when it is.
    const others = times(chance.integer(2, 6), (index) => {
      const at = Math.max(all.from, chance.pick(troubles).at + chance.integer(0, 15_000))
      return machine(at, machines + index, chance.pick(networks))
    })
    const rounds = moments(chance, chance.integer(2, 8), all).flatMap((at): Operation[] => {
      const number = chance.integer(0, machines - 1)
      const again = machine(at + chance.pick([100, 6_000]), number, networkOf(networks, number))
      return [{ type: 'vm-delete', at, vm: vmName(number) }, ...(chance.happens(0.8) ? [again] : [])]
    })
    const processes = [...controllers(replicas), ...agents(networks)]
    const kinds: readonly ((at: number) => Fault[])[] = [
      (at) => [killed(chance.pick(processes), at, chance.pick([1, 3_000, 12_000]))],
      (at) => [diesWriting(chance, chance.pick(processes), at, chance.pick([1, 3_000]))],
      (at) => [stopped(chance.pick(processes), at, chance.pick([5_000, 25_000]))],
      (at) => [{ type: 'watches', at, process: '*', how: chance.pick(['closed', 'gone', 'silent']) }],
      // From one of the two only: an agent that hears of nothing serves what it knows, also to whom it is no longer meant.
      (at) =>
        cutOff(
          chance.pick(agents(networks)),
          chance.pick(['api', 'broker']),
          at,
          chance.pick([10_000, 45_000]),
        ),
    ]
    return {
      networks,
      controllers: replicas,
      durationMs,
      operations: [
        ...times(machines, (number) =>
          machine(within(chance, { from: 2_000, to: 8_000 }), number, networkOf(networks, number)),
        ),
        ...troubles,
        ...others,
        ...rounds,
      ].map((operation) => (isUnusual ? renamed(chance, operation) : operation)),
      faults: times(chance.integer(0, 4), () =>
        chance.pick(kinds)(chance.pick(troubles).at + chance.integer(0, 3_000)),
      ).flat(),
    }
  },
})
