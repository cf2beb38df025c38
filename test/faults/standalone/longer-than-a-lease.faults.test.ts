import { expect, test } from 'vitest'
import { eventually } from '../../e2e/support/eventually.ts'
import type { ClientEvent } from '../history/events.ts'
import { startApart } from '../support/apart.ts'
import { createApiUser } from '../support/api-history.ts'
import { expectAgreement, expectOneAtATime, expectUndisturbed } from '../support/checks.ts'
import { describeFault, type Fault, fault, inject } from '../support/faults.ts'
import { addMachine, type Machine } from '../support/machines.ts'
import { createRecorder } from '../support/recorder.ts'
import { createSignal } from '../support/signal.ts'

/** udhcpc takes no lease of less than half a minute: the machines here have the other clients. */
const LEASE_SECONDS = 10
const LONG_MS = 14_000
/** The broker's connections are given up when two pings were not answered. */
const PINGS_MS = 48_000
const BOUND_SECONDS = 45

/** One world each, side by side: they mostly wait. */
const LANES: readonly (readonly Fault[])[] = [
  [fault(PINGS_MS, ['cut', 'nats']), fault(LONG_MS, ['stop', 'controller'])],
  [
    fault(LONG_MS, ['kill', 'api'], ['kill', 'nats'], ['kill', 'controller']),
    fault(PINGS_MS, ['cut', 'api']),
  ],
  [fault(LONG_MS, ['stop', 'agent']), fault(LONG_MS, ['mute', 'agent']), fault(LONG_MS, ['kill', 'agent'])],
]

for (const lane of LANES) {
  const title = lane.map(describeFault).join('; ')
  test.concurrent(`${title}: who can be answered is, all are bound again, and nobody is moved`, async () => {
    const world = await startApart({ leaseSeconds: LEASE_SECONDS, capacity: 5 })
    const now = () => performance.now()
    const user = createApiUser(world.store, now)
    const recorder = createRecorder(now)
    const shop = { network: world.machines, user, recorder }
    const add = (kind: 'dhclient' | 'dhcpcd', number: number) => addMachine(shop, kind, number)
    const residents = await Promise.all([add('dhclient', 1), add('dhcpcd', 2), add('dhclient', 3)])
    let [present, other] = await Promise.all([add('dhclient', 4), add('dhclient', 5)])
    try {
      await Promise.all([...residents, present].map((machine) => machine.create()))
      for (const long of lane) {
        await endure(long, present, other)
        ;[present, other] = [other, present]
      }
    } finally {
      await Promise.all([...residents, present, other].map(({ client }) => client.stop()))
      await world.close()
    }

    /** While it lasts, one VM goes and another one comes, which asks for its address. */
    async function endure(long: Fault, leaving: Machine, coming: Machine): Promise<void> {
      const [begun, firstEvent] = [user.history.length, recorder.events.length]
      const initial = await user.told()
      const inherited = leaving.address
      const struck = createSignal()
      const since = now()
      const over = inject(long, world.parts, struck.fire)
      const changed = struck.fired.then(async () => {
        await leaving.remove()
        await coming.create(inherited)
      })
      await over
      const mended = now()
      await Promise.all([changed, ...residents.map((machine) => untilAnsweredSince(mended, machine))])
      expect(now() - mended).toBeLessThan(BOUND_SECONDS * 1000)
      await expectAgreement(world, user, [...residents, coming])
      const isExcused = ({ type, at }: ClientEvent) => type === 'expired' && at > since && isAgentAway(long)
      expectUndisturbed(recorder.events.slice(firstEvent).filter((event) => !isExcused(event)))
      expectOneAtATime(user.history.slice(begun), initial)
    }

    function untilAnsweredSince(at: number, { name, mac }: Machine): Promise<true> {
      const isAnswered = () => ((recorder.lastAcked(mac) ?? 0) > at ? true : undefined)
      return eventually(`an answer to ${name}`, isAnswered, { seconds: BOUND_SECONDS })
    }
  })
}

/** Then nobody else answers, and leases run out. */
const isAgentAway = ({ blows }: Fault): boolean => blows.some(([, part]) => part === 'agent')
