import { expect, test } from 'vitest'
import { agrees } from './status-agreement.ts'

test('fields that the API server leaves out or writes as null are no difference', () => {
  const condition = { type: 'Ready', status: 'True' }
  const present = { conditions: [{ ...condition, lastProbeTime: null }], qosClass: 'BestEffort' }
  expect(agrees(present, { conditions: [{ ...condition, message: '' }], initContainerStatuses: [] })).toBe(
    true,
  )
})

test('a condition that another has set is a difference', () => {
  const status = (isReady: string) => ({ conditions: [{ type: 'Ready', status: isReady }] })
  expect(agrees(status('False'), status('True'))).toBe(false)
})

test('what is false or nought on one side only is a difference', () => {
  const container = (ready: boolean | undefined) => ({ containerStatuses: [{ name: 'main', ready }] })
  expect(agrees(container(true), container(false))).toBe(false)
  expect(agrees({}, container(false))).toBe(false)
})
