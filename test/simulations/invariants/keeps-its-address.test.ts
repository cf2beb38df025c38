import { expect, test } from 'vitest'
import { keepsItsAddress } from '../../../simulations/invariants/keeps-its-address.ts'
import { configObject, TEST_MAC, vmObject } from '../../support/objects.ts'
import { ADDRESS, Court, OTHER_MAC, orderly } from './court.ts'

/** A VM that was given its address a while ago. */
function bound(): Court {
  const court = new Court(({ witness, history, wishes }) => keepsItsAddress(witness, history, wishes))
  court.vm(vmObject())
  court.config(configObject())
  court.pool(orderly({ [ADDRESS]: TEST_MAC }))
  court.now = 100_000
  return court
}

test('an address is not taken from a VM that asks for it', () => {
  const court = bound()
  court.pool(orderly())
  expect(court.broken()).toEqual(['keeps its address'])
})

test('a controller that deletes the object of a VM does not end the wish of the VM', () => {
  const court = bound()
  court.configIsGone()
  court.pool(orderly())
  expect(court.broken()).toEqual(['keeps its address'])
})

test('nor does one that takes the NIC out of the object, or pauses it', () => {
  const withoutNic = bound()
  withoutNic.config(configObject({ networks: [] }))
  withoutNic.pool(orderly())
  expect(withoutNic.broken()).toEqual(['keeps its address'])

  const paused = bound()
  paused.config(configObject({ spec: { paused: true } }))
  paused.pool(orderly())
  expect(paused.broken()).toEqual(['keeps its address'])
})

test('people who delete or pause the object end the wish', () => {
  const deleted = bound()
  deleted.config(configObject({ metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } }), 'operator')
  deleted.configIsGone()
  deleted.pool(orderly())
  expect(deleted.broken()).toEqual([])

  const paused = bound()
  paused.config(configObject({ spec: { paused: true } }), 'operator')
  paused.pool(orderly())
  expect(paused.broken()).toEqual([])
})

test('so do those who take the NIC from the VM, or delete the VM', () => {
  const unplugged = bound()
  unplugged.vm(vmObject({}))
  unplugged.config(configObject({ networks: [] }))
  unplugged.pool(orderly())
  expect(unplugged.broken()).toEqual([])

  const deleted = bound()
  deleted.vm(vmObject(undefined, { deletionTimestamp: '2026-01-01T00:00:00Z' }))
  deleted.configIsGone()
  deleted.pool(orderly())
  expect(deleted.broken()).toEqual([])
})

test('a NIC that was gone for a moment is another wish: what was decided meanwhile is not judged', () => {
  const court = bound()
  court.vm(vmObject({}))
  court.vm(vmObject())
  court.config(configObject({ networks: [] }))
  court.pool(orderly())
  expect(court.broken()).toEqual([])
})

test('an address that was made by hand for an object without a VM is kept until people take it back', () => {
  const court = new Court(({ witness, history, wishes }) => keepsItsAddress(witness, history, wishes))
  const byHand = { ownerReferences: [] }
  court.config(configObject({ metadata: byHand }), 'operator')
  court.pool(orderly({ [ADDRESS]: TEST_MAC }))
  court.now = 100_000
  court.configIsGone()
  court.pool(orderly())
  expect(court.broken()).toEqual(['keeps its address'])
})

test('an edit of the status excuses the address that was edited', () => {
  const court = bound()
  court.pool(orderly({ [ADDRESS]: OTHER_MAC }), 'operator')
  court.pool(orderly({ [ADDRESS]: TEST_MAC }), 'operator')
  court.pool(orderly())
  expect(court.broken()).toEqual([])
})

test('and no other', () => {
  const court = bound()
  court.pool(orderly({ [ADDRESS]: TEST_MAC, '192.168.48.85': OTHER_MAC }), 'operator')
  court.pool(orderly({ '192.168.48.85': OTHER_MAC }))
  expect(court.broken()).toEqual(['keeps its address'])
})
