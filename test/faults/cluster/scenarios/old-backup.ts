import { expect, test } from 'vitest'
import { eventually } from '../../../e2e/support/eventually.ts'
import { findMoves } from '../../history/moves.ts'
import { takeBackup } from '../backup.ts'
import type { Guest } from '../guests.ts'
import type { Measured } from '../round.ts'
import { createVm, deleteVm, type FaultWorld, untilQuiet, untilRecovered } from '../world.ts'
import { BOUND_SECONDS } from './bound.ts'

const FAULT = 'API restored from a backup'

/**
 * What was allocated since the backup is unknown to the truth, while its clients go on: addresses that look free are
 * not, and an address that went from one VM to another is the first one's again.
 */
export function describeOldBackup(world: () => FaultWorld, measured: Measured[]): void {
  test('the API goes back to an old backup: no address gets a second holder while its first may use it', async () => {
    const { system, store, residents, visitors, truth, history } = world()
    const lost = visitors.slice(0, 4)
    const hasty = visitors.slice(4, 6)
    const later = visitors.slice(6, 8)
    const [earlier, heir] = visitors.slice(8)
    if (earlier === undefined || heir === undefined) throw new Error('too few visitors')
    const since = (begun: number, times: readonly number[]) => times.map((at) => (at - begun) / 1000)
    const boot = (guest: Guest) => Promise.all([guest.boot(), createVm(store, guest)]).then(([at]) => at)

    // Given a backup in which one VM has an address that another one has by now, and in which others are missing.
    await boot(earlier)
    const inherited = addressOf(world(), earlier)
    await untilQuiet(world(), [...residents, earlier])
    const backup = await takeBackup(system.controlPlane)
    await earlier.powerOff()
    await deleteVm(store, earlier)
    await untilQuiet(world(), residents)
    const begun = history.events.length
    await createVm(store, heir, { 'static-ip.harvesterhci.io/nic-1': inherited })
    await heir.boot()
    for (const guest of lost) await boot(guest)
    await untilQuiet(world(), [...residents, heir, ...lost])
    expect(addressOf(world(), heir)).toBe(inherited)
    const before = lost.map((guest) => addressOf(world(), guest))

    // When the API goes back, the VM of then boots again, and new ones come for addresses that look free.
    await Promise.all([heir, ...lost].map((guest) => guest.renew()))
    truth.forgetPromises()
    await backup.restore()
    const restored = performance.now()
    const first = Promise.all([earlier.boot(), ...hasty.map(boot)])
    await eventually(
      'the pool to hear of leases that it does not know',
      () => (before.slice(hasty.length).every((address) => truth.isResting(address)) ? true : undefined),
      { seconds: 40 },
    )

    // Then who comes now is served at once, and who was lost and is created again has its address, unless it is taken.
    const heard = performance.now()
    const again = lost.map((guest) => history.nextAck(guest.name, BOUND_SECONDS * 1000))
    const [newcomers] = await Promise.all([
      Promise.all(later.map(boot)),
      ...lost.map((guest) => createVm(store, guest)),
    ])
    measured.push(
      { fault: FAULT, phase: 'VMs of then, new VMs', bound: since(restored, await first), renewed: [] },
      { fault: FAULT, phase: 'new VMs, a moment later', bound: since(heard, newcomers), renewed: [] },
      {
        ...{ fault: FAULT, phase: 'lost VMs created again' },
        ...{ bound: since(heard, await Promise.all(again)), renewed: [] },
      },
    )
    await untilQuiet(world(), [...residents, earlier, ...hasty, ...later, ...lost])
    for (const { bound } of measured.slice(-3)) expect(Math.max(...bound)).toBeLessThan(BOUND_SECONDS)
    const taken = hasty.map((guest) => addressOf(world(), guest))
    const kept = lost.filter((_, index) => !taken.includes(before[index] ?? ''))
    expect(kept.length).toBeGreaterThanOrEqual(lost.length - hasty.length)
    expect(kept.map((guest) => addressOf(world(), guest))).toEqual(before.slice(-kept.length))
    // The truth had given these away before anybody could tell it: they got others.
    const moves = findMoves(history.events.slice(begun))
    expect(moves.filter(({ mac }) => kept.some((guest) => guest.mac === mac))).toEqual([])
    world().excused.push(...moves)

    const guests = [earlier, heir, ...hasty, ...later, ...lost]
    await Promise.all(guests.map((guest) => guest.powerOff()))
    await Promise.all(guests.map((guest) => deleteVm(store, guest)))
    await untilQuiet(world(), residents)
    await untilRecovered(world())
    await backup.remove()
  })
}

function addressOf({ truth }: FaultWorld, { mac }: Guest): string {
  return truth.told().get(mac) ?? ''
}
