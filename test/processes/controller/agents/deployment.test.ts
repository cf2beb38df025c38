import { dump } from 'js-yaml'
import { expect, test } from 'vitest'
import { parseIPv4Address } from '../../../../src/api/values/ipv4-address.ts'
import {
  agentDeployment,
  movedDeployment,
  siteHash,
  templateHash,
} from '../../../../src/processes/controller/agents/deployment.ts'
import { differenceFrom } from '../../../../src/processes/controller/agents/difference.ts'
import { KEY, SETTINGS } from './builders.ts'

const SITE = {
  pool: KEY,
  network: KEY,
  clusterNetwork: 'mgmt',
  serverAddress: parseIPv4Address('192.168.48.77'),
  prefixLength: 24,
}

test('the agent of net-48 is this Deployment', async () => {
  const deployment = agentDeployment('default-net-48-agent', SITE, SETTINGS)

  await expect(dump(deployment, { lineWidth: -1, noRefs: true })).toMatchFileSnapshot('./net-48-agent.yaml')
})

test('without credentials for the broker the agent is given none', () => {
  const settings = { ...SETTINGS, natsCredentialsSecret: undefined }
  const { template } = agentDeployment('agent', SITE, settings).spec

  expect(JSON.stringify(template)).not.toMatch(/NATS_USER|secretKeyRef/)
})

test('an agent believes the authority of the broker that its controller believes', () => {
  const settings = { ...SETTINGS, natsCaConfigMap: 'managed-dhcp-nats-ca' }
  const { template } = agentDeployment('agent', SITE, settings).spec
  const [agent] = template.spec.containers

  expect(template.spec.volumes).toContainEqual({
    name: 'nats-ca',
    configMap: { name: 'managed-dhcp-nats-ca' },
  })
  expect(agent?.volumeMounts).toContainEqual({
    name: 'nats-ca',
    mountPath: '/etc/managed-dhcp/nats-ca',
    readOnly: true,
  })
  expect(agent?.env).toContainEqual({ name: 'NATS_CA_FILE', value: '/etc/managed-dhcp/nats-ca/ca.crt' })
  expect(templateHash(settings)).not.toBe(templateHash(SETTINGS))
  const without = JSON.stringify(agentDeployment('agent', SITE, SETTINGS))
  expect(without).not.toMatch(/nats-ca|NATS_CA_FILE/)
})

test('the hash of the template speaks of what all agents share, that of the site of the rest', () => {
  expect(templateHash(SETTINGS)).toBe(templateHash({ ...SETTINGS }))
  expect(templateHash({ ...SETTINGS, image: 'other' })).not.toBe(templateHash(SETTINGS))
  expect(templateHash({ ...SETTINGS, nats: 'nats://other' })).not.toBe(templateHash(SETTINGS))
  const sites = [
    SITE,
    { ...SITE, clusterNetwork: undefined },
    { ...SITE, prefixLength: 25 },
    { ...SITE, serverAddress: parseIPv4Address('192.168.48.78') },
    { ...SITE, network: { ...KEY, name: 'other' } },
  ]
  expect(new Set(sites.map(siteHash)).size).toBe(sites.length)
})

test('moving an agent to where it is changes nothing', () => {
  const deployment = agentDeployment('agent', SITE, SETTINGS)

  expect(movedDeployment(deployment, SITE)).toEqual(deployment)
})

test.each([
  ['the same', { a: [1, { b: 2 }] }, { a: [1, { b: 2 }] }, undefined],
  ['more', { a: 1, b: 2 }, { a: 1 }, undefined],
  ['what is left out for being empty', {}, { args: {} }, undefined],
  ['another value', { a: { b: 1 } }, { a: { b: 2 } }, 'a.b'],
  ['a longer list', { a: [1, 2] }, { a: [1] }, 'a'],
  ['nothing', undefined, { a: 1 }, 'a'],
  ['another kind of value', { a: 'text' }, { a: { b: 1 } }, 'a'],
])('a difference is found in what was asked for: %s', (_, actual, wanted, path) => {
  expect(differenceFrom(actual, wanted)).toBe(path)
})
