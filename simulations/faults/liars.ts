import { formatIPv4Address, parseIPv4Address } from '../../src/api/values/ipv4-address.ts'
import { parseMacAddress } from '../../src/api/values/mac-address.ts'
import { toInstant } from '../../src/api/values/time.ts'
import { startLiar } from '../clients/liar.ts'
import type { Lie } from '../clients/lies.ts'
import type { Fault } from '../plan/faults.ts'
import { createChance } from '../world/chance.ts'
import { EPOCH } from '../world/machine.ts'
import type { World } from '../world/world.ts'

const CLIENT_PORT = 68

/** A client that lies on a network for a while. */
export function letLie(world: World, fault: Extract<Fault, { type: 'liar' }>): void {
  const { scheduler, segments, plan, guests, log, trace, coverage } = world
  const segment = segments.get(fault.network)
  const network = plan.networks.find(({ name }) => name === fault.network)
  if (segment === undefined || network === undefined) return
  const name = `liar ${fault.network} ${fault.at}`
  const packets = segment.attach({ name, port: CLIENT_PORT, log })
  const liar = startLiar({
    packets,
    clock: {
      now: () => toInstant(EPOCH + Math.floor(scheduler.now)),
      after: (delay, action) => scheduler.after(delay, scheduler.outside, action),
    },
    random: createChance(plan.seed, name),
    everyMs: fault.everyMs,
    known: () =>
      guests
        .running()
        .filter((client) => client.network === fault.network)
        .flatMap(({ mac, client }) => {
          const lease = client.lease()
          return lease === undefined ? [] : [{ mac: parseMacAddress(mac), address: lease.address }]
        }),
    server: () => parseIPv4Address(network.server),
    observe(lie) {
      coverage.hit('lie', network.name)
      trace.add({ kind: 'fault', who: name, text: `lies: ${lie.text}`, about: aboutOf(lie) })
    },
  })
  scheduler.after(Math.min(fault.lasts, world.windows.end - scheduler.now), scheduler.outside, () => {
    liar.stop()
    void packets.close()
  })
}

function aboutOf({ mac, address }: Lie): string[] {
  return [...(mac === undefined ? [] : [mac]), ...(address === undefined ? [] : [formatIPv4Address(address)])]
}
