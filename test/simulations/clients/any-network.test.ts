import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type ClientHabits, HABITS } from '../../../simulations/clients/habits.ts'
import { formatIPv4Address, type IPv4Address } from '../../../src/api/values/ipv4-address.ts'
import { milliseconds, minutes } from '../../../src/api/values/time.ts'
import { SERVER_PORT } from '../../../src/dhcp/packet.ts'
import { describeRequest, type Fate, Lab, type Seen, type Told } from './lab.ts'

/** RFC 2131 §4.4, figure 5: what is sent in a state, or on the way into it. */
const SAYS: Readonly<Partial<Record<Seen['state'], string>>> = {
  SELECTING: 'DISCOVER',
  REQUESTING: 'REQUEST selecting',
  REBOOTING: 'REQUEST init-reboot',
  RENEWING: 'REQUEST renewing',
  REBINDING: 'REQUEST rebinding',
  RELEASED: 'RELEASE',
}
const NEEDS_ADDRESS = ['REQUEST renewing', 'REQUEST rebinding', 'RELEASE']

const loss = fc.oneof(
  { weight: 4, arbitrary: fc.constant({ kind: 'ok' as const }) },
  fc.constant({ kind: 'lost' as const }),
  fc.record({ kind: fc.constant('twice' as const), later: fc.integer({ min: 0, max: 400_000 }) }),
  fc.record({ kind: fc.constant('late' as const), later: fc.integer({ min: 0, max: 60_000 }) }),
  fc.record({ kind: fc.constant('corrupt' as const), at: fc.nat(), length: fc.nat(239) }),
)
type Loss = typeof loss extends fc.Arbitrary<infer T> ? T : never

const step = fc.record({
  wait: fc.integer({ min: 0, max: 400_000 }),
  what: fc.constantFrom('nothing', 'reboot', 'release', 'restart', 'server away', 'server back', 'move'),
})
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

const run = fc.record({
  habits: fc.constantFrom<ClientHabits>(...Object.values(HABITS)),
  seed: fc.nat(),
  leaseSeconds: fc.constantFrom(10, 45, 300, 900),
  losses: fc.array(loss, { maxLength: 60 }),
  steps: fc.array(step, { minLength: 1, maxLength: 8 }),
})

test('on any network a client uses no address beyond its lease, speaks as its state allows, and ends bound', async () => {
  await fc.assert(
    fc.asyncProperty(run, async ({ habits, seed, leaseSeconds, losses, steps }) => {
      const lab = new Lab(habits, { seed, leaseSeconds })
      lab.fate = fateOf(losses)
      for (const each of steps) {
        await lab.pass(milliseconds(each.wait))
        await take(lab, each)
      }
      lab.fate = fateOf([])
      lab.serving = true
      lab.client.restart()
      await lab.pass(minutes(20))

      checkUse(lab, leaseSeconds)
      checkSpeech(lab)
      expect(lab.events('complaint')).toEqual([])
      expect(lab.client.lease(), `${habits.program} in ${lab.client.state()}`).toBeDefined()
    }),
    { numRuns: 100 },
  )
}, 60_000)

async function take(lab: Lab, { what }: Step): Promise<void> {
  switch (what) {
    case 'nothing':
      return
    case 'reboot':
      return lab.reboot()
    case 'release':
      return lab.client.release()
    case 'restart':
      return lab.client.restart()
    case 'server away':
    case 'server back':
      lab.serving = what === 'server back'
      return
    case 'move':
      lab.move(lab.assigned === '192.168.48.84' ? '192.168.48.85' : '192.168.48.84')
  }
}

/** The n-th datagram meets the n-th loss; those after the last are well. */
function fateOf(losses: readonly Loss[]): Fate {
  let count = 0
  return ({ payload, destinationPort }) => {
    const now = milliseconds(0)
    const meets = losses[count++] ?? { kind: 'ok' }
    switch (meets.kind) {
      case 'ok':
        return [{ extra: now, payload }]
      case 'lost':
        return []
      case 'twice':
        return [
          { extra: now, payload },
          { extra: milliseconds(meets.later), payload },
        ]
      case 'late':
        return [{ extra: milliseconds(meets.later), payload }]
      case 'corrupt':
        // A guest's kernel checks the UDP checksum: of what is damaged only what a broken sender made so gets through.
        if (destinationPort !== SERVER_PORT) return [{ extra: now, payload: payload.slice(0, meets.length) }]
        return [{ extra: now, payload: flipByte(payload, meets.at) }]
    }
  }
}

function flipByte(payload: Uint8Array, at: number): Uint8Array {
  const flipped = payload.slice()
  const index = at % flipped.length
  flipped[index] = (flipped[index] ?? 0) ^ 0xff
  return flipped
}

/** What the client believes to hold was acknowledged for at least as long, and is not used for longer. */
function checkUse(lab: Lab, leaseSeconds: number): void {
  let held: { address: IPv4Address; until: number } | undefined
  for (const { at, address: ofInterface, event } of lab.told) {
    if (held !== undefined && event.type !== 'lost') expect(at).toBeLessThan(held.until)
    if (event.type === 'bound' || event.type === 'renewed') {
      const { address, until } = event
      expect(until - event.since).toBe(leaseSeconds * 1000)
      expect(until).toBeLessThanOrEqual(promised(lab, address, at) + leaseSeconds * 1000)
      held = { address, until }
    } else if (event.type === 'lost') {
      expect(event.address).toBe(held?.address)
      expect(at).toBeLessThanOrEqual(held?.until ?? 0)
      held = undefined
    }
    expect(ofInterface).toBe(held?.address)
  }
}

/** When the agent acknowledged the address last, at the latest by `now`. */
function promised(lab: Lab, address: IPv4Address, now: number): number {
  return Math.max(
    ...lab.acknowledged.filter((ack) => ack.address === address && ack.at <= now).map(({ at }) => at),
  )
}

function checkSpeech(lab: Lab): void {
  for (const [index, { at, state, packet, to, from }] of lab.sent.entries()) {
    const said = describeRequest(packet, to)
    expect(said, `message ${index} at ${at}`).toBe(SAYS[state])
    const held = heldAt(lab.told, index)
    if (NEEDS_ADDRESS.includes(said)) {
      expect([packet.ciaddr, from].map(formatIPv4Address)).toEqual(
        [held, held].map((one) => one && formatIPv4Address(one)),
      )
    } else {
      expect(held, `holds an address while it says ${said}`).toBeUndefined()
      expect([packet.ciaddr, from]).toEqual([0, 0])
    }
  }
}

/** What the client had told to hold when it sent its n-th message. */
function heldAt(told: readonly Told[], message: number): IPv4Address | undefined {
  let held: IPv4Address | undefined
  let sent = 0
  for (const { event } of told) {
    if (event.type === 'sent' && sent++ === message) return held
    if (event.type === 'bound' || event.type === 'renewed') held = event.address
    if (event.type === 'lost') held = undefined
  }
  return held
}
