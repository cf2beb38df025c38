import { expect, test } from 'vitest'
import { shareReads } from '../../src/webhook/shared-read.ts'

function scripted() {
  const pending: { resolve: (value: number) => void; reject: (error: Error) => void }[] = []
  let reads = 0
  const read = shareReads(() => {
    reads += 1
    return new Promise<number>((resolve, reject) => pending.push({ resolve, reject }))
  })
  return { read, pending, reads: () => reads }
}
const turn = () => new Promise((resolve) => setImmediate(resolve))

test('who asks while a read is under way gets the next one, together with all others', async () => {
  const { read, pending, reads } = scripted()
  const first = read()
  const crowd = [read(), read(), read()]
  pending[0]?.resolve(1)
  expect(await first).toBe(1)
  await turn()
  pending[1]?.resolve(2)

  expect(await Promise.all(crowd)).toEqual([2, 2, 2])
  expect(reads()).toBe(2)
})

test('a read that fails fails for those who share it, and the next is made all the same', async () => {
  const { read, pending } = scripted()
  const first = read()
  const second = read()
  pending[0]?.reject(new Error('unavailable'))
  await expect(first).rejects.toThrow('unavailable')
  await turn()
  pending[1]?.resolve(2)

  expect(await second).toBe(2)
})
