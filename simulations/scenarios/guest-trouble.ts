import type { Operation } from '../plan/operations.ts'
import type { Chance } from '../world/chance.ts'

/** How long what happens to a guest lasts: from a moment to many times a lease. */
const LENGTHS = [1_000, 8_000, 25_000, 70_000, 200_000] as const

/** The guest is suspended, and goes on when its lease may be over. */
export function pausedGuest(chance: Chance, vm: string, at: number): Operation {
  return { type: 'guest-pause', at, vm, lasts: chance.pick(LENGTHS), clock: anyClock(chance) }
}

/** A snapshot, and the way back to it. */
export function restoredGuest(chance: Chance, vm: string, at: number): Operation[] {
  const what = chance.pick(['disk', 'memory'] as const)
  return [
    { type: 'guest-snapshot', at, vm },
    { type: 'guest-restore', at: at + chance.pick(LENGTHS), vm, what, clock: anyClock(chance) },
  ]
}

/** The node is lost while the guest runs on; people wait, or delete the VM, or force one thing or another. */
export function lostNode(chance: Chance, vm: string, at: number): Operation[] {
  const lasts = chance.pick([15_000, 40_000, 90_000])
  const later = (from: number) => at + from + chance.integer(0, 8_000)
  const lost: Operation = { type: 'node-lost', at, vm, lasts, isCutOff: chance.happens(0.4) }
  const force = (what: 'instance' | 'machine', from: number): Operation => ({
    type: 'force-delete',
    at: later(from),
    vm,
    what,
  })
  const deleted: Operation = { type: 'vm-delete', at: later(1_000), vm }
  const ends: readonly (() => Operation[])[] = [
    () => [],
    () => [deleted],
    () => [force('instance', 1_000)],
    () => [force('instance', 1_000), { type: 'vm-delete', at: later(12_000), vm }],
    () => [deleted, force('instance', 9_000)],
    () => [deleted, force('machine', 9_000)],
    () => [deleted, force('machine', 9_000)],
    () => [deleted, force('machine', 9_000), force('instance', 12_000)],
    () => [{ type: 'vm-stop', at: later(1_000), vm }],
  ]
  return [lost, ...chance.pick(ends)()]
}

/** Edited now; the guest has the old MAC, or is in the old network, until it is started again, which may be much later. */
export function editedForLater(
  chance: Chance,
  vm: string,
  at: number,
  change: { mac: string } | { network: string },
): Operation[] {
  const follows = 'restart'
  const edit: Operation =
    'mac' in change
      ? { type: 'mac-change', at, vm, nic: 'nic-0', mac: change.mac, follows }
      : { type: 'nic-move', at, vm, nic: 'nic-0', network: change.network, follows }
  const stopped = at + chance.pick(LENGTHS)
  return [
    edit,
    ...(chance.happens(0.3) ? [{ type: 'guest-reboot' as const, at: at + 3_000, vm }] : []),
    ...(chance.happens(0.7)
      ? [
          { type: 'vm-stop' as const, at: stopped, vm },
          { type: 'vm-start' as const, at: stopped + chance.integer(4_000, 9_000), vm },
        ]
      : []),
  ]
}

/** Any of these, with any VM. */
export function guestTrouble(
  chance: Chance,
  vm: string,
  at: number,
  change: () => { mac: string } | { network: string },
): Operation[] {
  return chance.pick([
    () => [pausedGuest(chance, vm, at)],
    () => restoredGuest(chance, vm, at),
    () => lostNode(chance, vm, at),
    () => editedForLater(chance, vm, at, change()),
  ])()
}

function anyClock(chance: Chance) {
  return chance.pick(['stood-still', 'put-right'] as const)
}
