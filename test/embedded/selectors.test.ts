import { describe, expect, test } from 'vitest'
import { BUILTIN_RESOURCES } from '../../src/embedded/resources/builtin.ts'
import { parseFieldSelector } from '../../src/embedded/selectors/field-selector.ts'
import { parseLabelSelector } from '../../src/embedded/selectors/label-selector.ts'
import { ApiError } from '../../src/embedded/status.ts'

describe('label selectors', () => {
  const labels = { app: 'dhcp', 'example.com/tier': 'edge', count: '5', empty: '' }
  test.each([
    ['', true],
    ['app=dhcp', true],
    ['app==dhcp', true],
    ['app = dns', false],
    ['app!=dns', true],
    ['missing!=x', true],
    ['app in (dhcp, dns)', true],
    ['app in (dns)', false],
    ['app notin (dns)', true],
    ['missing notin (dns)', true],
    ['app', true],
    ['!app', false],
    ['!missing', true],
    ['empty=', true],
    ['example.com/tier=edge,app in (a,dhcp),count>4', true],
    ['count<5', false],
    ['toString', false],
  ])('"%s" is %s', (selector, expected) => {
    expect(parseLabelSelector(selector)(labels)).toBe(expected)
  })

  test.each(['a in', 'a=b=c', 'in (x)', 'a b', '(('])('"%s" is refused', (selector) => {
    expect(() => parseLabelSelector(selector)).toThrow(ApiError)
  })
})

describe('field selectors', () => {
  const find = (plural: string, group = '') => {
    const resource = BUILTIN_RESOURCES.find(
      (candidate) => candidate.plural === plural && candidate.group === group,
    )
    if (!resource) throw new Error(`no ${plural}`)
    return resource
  }
  const event = {
    metadata: { name: 'e', namespace: 'default' },
    involvedObject: { kind: 'IPPool', name: 'net-48' },
    type: 'Normal',
    reason: 'Registered',
    source: { component: 'controller' },
  }
  test.each([
    ['metadata.name=e', true],
    ['metadata.namespace!=default', false],
    ['involvedObject.kind=IPPool,involvedObject.name=net-48,type!=Warning', true],
    ['reason=Registered', true],
    ['source=controller', true],
    ['involvedObject.uid=', true],
  ])('"%s" on an event is %s', (selector, expected) => {
    expect(parseFieldSelector(find('events'), selector)(event)).toBe(expected)
  })

  test('the new name of a field selects the same event', () => {
    expect(parseFieldSelector(find('events', 'events.k8s.io'), 'regarding.name=net-48')(event)).toBe(true)
  })

  test('a field that does not select is refused', () => {
    expect(() => parseFieldSelector(find('configmaps'), 'data.a=b')).toThrow(
      'field label not supported: data.a',
    )
  })
})
