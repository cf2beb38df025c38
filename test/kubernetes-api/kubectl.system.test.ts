import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from '../e2e/support/eventually.ts'
import { poolYaml } from './manifests.ts'
import { kubectl, kubectlOk, makeNamespace, startTarget, type Target, uniqueName } from './target.ts'

let target: Target
let namespace: string

beforeAll(async () => {
  target = await startTarget()
  namespace = await makeNamespace(target, 'kubectl')
})
afterAll(() => target?.cleanup())

const k = (...args: string[]) => kubectlOk(target, ['-n', namespace, ...args])
const refused = (...args: string[]) => kubectl(target, ['-n', namespace, ...args])
const apply = (yaml: string, ...args: string[]) =>
  kubectl(target, ['-n', namespace, 'apply', '-f', '-', ...args], { stdin: yaml })
const applied = (yaml: string, ...args: string[]) =>
  kubectlOk(target, ['-n', namespace, 'apply', '-f', '-', ...args], { stdin: yaml })

async function newPool(): Promise<string> {
  const name = uniqueName('pool')
  await applied(poolYaml(name))
  return name
}

const SERVED_STATUS = JSON.stringify({
  status: {
    ipv4: { available: 7, used: 1, allocated: { '192.168.48.84': 'ca:70:82:e6:84:6e' } },
    conditions: ['Registered', 'CacheReady', 'AgentReady'].map((type) => ({ type, status: 'True' })),
  },
})

describe('apply', () => {
  test('creates, then changes nothing, then changes what differs', async () => {
    const name = uniqueName('pool')
    expect(await applied(poolYaml(name))).toContain(`ippool.network.harvesterhci.io/${name} created`)
    expect(await applied(poolYaml(name))).toContain('unchanged')
    expect(await applied(poolYaml(name).replace('300', '600'))).toContain('configured')
    expect(await k('get', 'ippl', name, '-o', 'jsonpath={.spec.ipv4Config.leaseTime}')).toBe('600')
  })

  test('takes a field away that the manifest names no more', async () => {
    const name = uniqueName('pool')
    await applied(poolYaml(name, '    router: 192.168.48.1\n'))
    await applied(poolYaml(name))
    expect(await k('get', 'ippl', name, '-o', 'jsonpath={.spec.ipv4Config.router}')).toBe('')
  })

  test('an unknown field is refused with its path', async () => {
    const outcome = await apply(poolYaml(uniqueName('pool'), '    bogus: 1\n'))
    expect(outcome.code).toBe(1)
    expect(outcome.stderr).toContain('strict decoding error: unknown field "spec.ipv4Config.bogus"')
  })

  test('an unknown field is a warning on request, and is dropped', async () => {
    const name = uniqueName('pool')
    const outcome = await apply(poolYaml(name, '    bogus: 1\n'), '--validate=warn')
    expect(outcome.code).toBe(0)
    expect(outcome.stderr).toContain('Warning: unknown field "spec.ipv4Config.bogus"')
    expect(await k('get', 'ippl', name, '-o', 'yaml')).not.toMatch(/^ *bogus: 1$/m)
  })

  test('values that break the schema are refused, each with its path', async () => {
    const name = uniqueName('pool')
    const yaml = poolYaml(name)
      .replace(/ *cidr:.*\n/, '')
      .replace('300', '0')
    const outcome = await apply(yaml)
    expect(outcome.code).toBe(1)
    expect(outcome.stderr).toContain(`The IPPool "${name}" is invalid`)
    expect(outcome.stderr).toContain('spec.ipv4Config.cidr: Required value')
    expect(outcome.stderr).toContain(
      'spec.ipv4Config.leaseTime: Invalid value: 0: spec.ipv4Config.leaseTime in body should be greater than or equal to 1',
    )
  })

  test('--server-side creates and updates, and removes what the manager leaves out', async () => {
    const name = uniqueName('pool')
    expect(await applied(poolYaml(name, '    router: 192.168.48.1\n'), '--server-side')).toContain(
      'serverside-applied',
    )
    await applied(poolYaml(name), '--server-side')
    expect(await k('get', 'ippl', name, '-o', 'jsonpath={.spec.ipv4Config.router}')).toBe('')
  })

  test("--server-side refuses to overwrite another manager's field, unless forced", async () => {
    const name = uniqueName('pool')
    await applied(poolYaml(name), '--server-side', '--field-manager=one')
    const changed = poolYaml(name).replace('300', '600')
    const outcome = await apply(changed, '--server-side', '--field-manager=two')
    expect(outcome.code).toBe(1)
    expect(outcome.stderr).toContain('conflict with "one": .spec.ipv4Config.leaseTime')
    await applied(changed, '--server-side', '--field-manager=two', '--force-conflicts')
    expect(await k('get', 'ippl', name, '-o', 'jsonpath={.spec.ipv4Config.leaseTime}')).toBe('600')
  })

  test('--dry-run=server stores nothing', async () => {
    const name = uniqueName('pool')
    expect(await applied(poolYaml(name), '--dry-run=server')).toContain('created (server dry run)')
    expect((await refused('get', 'ippl', name)).stderr).toContain('NotFound')
  })
})

describe('get', () => {
  test('shows the columns of the definition', async () => {
    const name = await newPool()
    await k('patch', 'ippl', name, '--subresource=status', '--type=merge', '-p', SERVED_STATUS)
    const [header, row] = (await k('get', 'ippl', name)).trim().split('\n')
    expect(header?.split(/ +/)).toEqual([
      'NAME',
      'NETWORK',
      'AVAILABLE',
      'USED',
      'REGISTERED',
      'CACHEREADY',
      'AGENTREADY',
      'AGE',
    ])
    expect(row?.split(/ +/).slice(0, 7)).toEqual([name, 'default/net-48', '7', '1', 'True', 'True', 'True'])
    expect(row?.split(/ +/)[7]).toMatch(/^\d+s$/)
  })

  test('finds a kind by its short name, its plural and its plural with the beginning of its group', async () => {
    const name = await newPool()
    for (const kind of ['ippl', 'ippool', 'ippools', 'ippools.network', 'ippools.network.harvesterhci.io']) {
      expect(await k('get', kind, name, '-o', 'name')).toBe(`ippool.network.harvesterhci.io/${name}\n`)
    }
  })

  test('-o yaml shows the whole object', async () => {
    const name = await newPool()
    const yaml = await k('get', 'ippl', name, '-o', 'yaml')
    for (const line of ['kind: IPPool', '  generation: 1', `  name: ${name}`, '    cidr: 192.168.48.0/24']) {
      expect(yaml).toContain(`${line}\n`)
    }
  })

  test('selects by labels', async () => {
    const [one, two] = [await newPool(), await newPool()]
    const value = uniqueName('v')
    await k('label', 'ippl', one, two, `suite=${value}`)
    await k('label', 'ippl', two, 'side=right')
    expect(await k('get', 'ippl', '-l', `suite=${value},side notin (right)`, '-o', 'name')).toContain(one)
    expect(await k('get', 'ippl', '-l', `suite in (${value}),side`, '-o', 'name')).not.toContain(one)
  })

  test('-w follows an object', async () => {
    const name = await newPool()
    const env = { ...process.env, KUBECONFIG: target.kubeconfigPath }
    const watching = spawn('kubectl', ['-n', namespace, 'get', 'ippl', name, '-w'], { env })
    const lines: string[] = []
    const until = (count: number) =>
      new Promise<void>((resolve) => {
        const check = () => lines.join('').split('\n').length > count && resolve()
        watching.stdout.on('data', check)
        check()
      })
    watching.stdout.on('data', (chunk: Buffer) => lines.push(chunk.toString()))
    await until(2)
    await k('patch', 'ippl', name, '--subresource=status', '--type=merge', '-p', SERVED_STATUS)
    await until(3)
    watching.kill()
    expect(lines.join('').split('\n')[2]).toMatch(new RegExp(`^${name} +default/net-48 +7 +1 `))
  })

  test('what is not there is NotFound, what is no kind is said to be none', async () => {
    expect((await refused('get', 'ippl', 'nope')).stderr).toBe(
      'Error from server (NotFound): ippools.network.harvesterhci.io "nope" not found\n',
    )
    expect((await refused('get', 'nonsense')).stderr).toContain(
      'the server doesn\'t have a resource type "nonsense"',
    )
  })
})

describe('changing one object', () => {
  test('patch takes a merge patch and a JSON patch', async () => {
    const name = await newPool()
    await k('patch', 'ippl', name, '--type=merge', '-p', '{"spec":{"paused":true}}')
    await k(
      'patch',
      'ippl',
      name,
      '--type=json',
      '-p',
      '[{"op":"test","path":"/spec/paused","value":true},{"op":"replace","path":"/spec/ipv4Config/leaseTime","value":900}]',
    )
    expect(
      await k(
        'get',
        'ippl',
        name,
        '-o',
        'jsonpath={.spec.paused} {.spec.ipv4Config.leaseTime} {.metadata.generation}',
      ),
    ).toBe('true 900 3')
  })

  test('patch refuses a strategic merge patch for a custom kind', async () => {
    const name = await newPool()
    const outcome = await refused('patch', 'ippl', name, '--type=strategic', '-p', '{"spec":{"paused":true}}')
    expect(outcome.code).toBe(1)
    expect(outcome.stderr).toMatch(/UnsupportedMediaType|strategic/)
  })

  test('patch merges the containers of a deployment by name', async () => {
    const name = uniqueName('deployment')
    await applied(`apiVersion: apps/v1
kind: Deployment
metadata: {name: ${name}}
spec:
  selector: {matchLabels: {app: x}}
  template:
    metadata: {labels: {app: x}}
    spec:
      containers: [{name: a, image: "a:1"}, {name: b, image: "b:1"}]
`)
    await k(
      'patch',
      'deploy',
      name,
      '-p',
      '{"spec":{"template":{"spec":{"containers":[{"name":"b","image":"b:2"}]}}}}',
    )
    expect(
      await k('get', 'deploy', name, '-o', 'jsonpath={.spec.template.spec.containers[*].image}'),
    ).toMatch(/^(a:1 b:2|b:2 a:1)$/)
  })

  test('a patch of the status leaves the spec and the generation alone', async () => {
    const name = await newPool()
    const patch = '{"spec":{"paused":true},"status":{"ipv4":{"used":3}}}'
    await k('patch', 'ippl', name, '--subresource=status', '--type=merge', '-p', patch)
    expect(
      await k(
        'get',
        'ippl',
        name,
        '-o',
        'jsonpath={.spec.paused}|{.status.ipv4.used}|{.metadata.generation}',
      ),
    ).toBe('|3|1')
  })

  test('label and annotate add and remove', async () => {
    const name = await newPool()
    await k('label', 'ippl', name, 'colour=blue')
    await k('annotate', 'ippl', name, 'note=hello')
    await k('label', 'ippl', name, 'colour-')
    expect(
      await k('get', 'ippl', name, '-o', 'jsonpath={.metadata.labels}|{.metadata.annotations.note}'),
    ).toBe('|hello')
  })

  test('edit writes what the editor leaves', async () => {
    const name = await newPool()
    const directory = mkdtempSync(join(tmpdir(), 'editor-'))
    const editor = join(directory, 'editor.sh')
    writeFileSync(editor, '#!/bin/sh\nsed -i "s/leaseTime: 300/leaseTime: 777/" "$1"\n', { mode: 0o755 })
    await kubectlOk(target, ['-n', namespace, 'edit', 'ippl', name], { environment: { KUBE_EDITOR: editor } })
    rmSync(directory, { recursive: true })
    expect(await k('get', 'ippl', name, '-o', 'jsonpath={.spec.ipv4Config.leaseTime}')).toBe('777')
  })

  test('replace of an outdated state is a conflict', async () => {
    const name = await newPool()
    const old = await k('get', 'ippl', name, '-o', 'json')
    await k('patch', 'ippl', name, '--type=merge', '-p', '{"spec":{"paused":true}}')
    const outcome = await kubectl(target, ['-n', namespace, 'replace', '-f', '-'], { stdin: old })
    expect(outcome.stderr).toContain(
      `Operation cannot be fulfilled on ippools.network.harvesterhci.io "${name}": the object has been modified`,
    )
  })
})

describe('delete', () => {
  test('an object goes', async () => {
    const name = await newPool()
    expect(await k('delete', 'ippl', name)).toContain(`"${name}" deleted`)
    expect((await refused('get', 'ippl', name)).code).toBe(1)
  })

  test('a finalizer keeps an object until it is taken away', async () => {
    const name = await newPool()
    await k('patch', 'ippl', name, '--type=merge', '-p', '{"metadata":{"finalizers":["example.com/hold"]}}')
    await k('delete', 'ippl', name, '--wait=false')
    expect(await k('get', 'ippl', name, '-o', 'jsonpath={.metadata.deletionTimestamp}')).toMatch(/Z$/)
    await k('patch', 'ippl', name, '--type=merge', '-p', '{"metadata":{"finalizers":null}}')
    await k('wait', '--for=delete', `ippl/${name}`, '--timeout=20s')
  })

  test('--all goes through what a selector leaves', async () => {
    const value = uniqueName('v')
    const name = await newPool()
    await k('label', 'ippl', name, `suite=${value}`)
    expect(await k('delete', 'ippl', '-l', `suite=${value}`)).toContain(name)
    expect(await k('get', 'ippl', '-l', `suite=${value}`, '-o', 'name')).toBe('')
  })
})

describe('wait', () => {
  test('returns when the condition comes true', async () => {
    const name = await newPool()
    const waiting = k('wait', '--for=condition=AgentReady', `ippl/${name}`, '--timeout=20s')
    await k('patch', 'ippl', name, '--subresource=status', '--type=merge', '-p', SERVED_STATUS)
    expect(await waiting).toContain('condition met')
  })
})

describe('namespaces', () => {
  test('are made and deleted, and an object needs one that exists', async () => {
    const name = await makeNamespace(target, 'short')
    await kubectlOk(target, ['-n', name, 'apply', '-f', '-'], { stdin: poolYaml('a') })
    await kubectlOk(target, ['-n', name, 'create', 'configmap', 'b', '--from-literal=c=d'])
    expect(await kubectlOk(target, ['get', 'ns', name])).toMatch(/STATUS +AGE\n.* Active /)
    await kubectlOk(target, ['-n', name, 'delete', 'ippl', 'a'])
    await kubectlOk(target, ['delete', 'namespace', name, '--wait=false'])
    const late = await kubectl(target, ['-n', uniqueName('missing'), 'apply', '-f', '-'], {
      stdin: poolYaml('a'),
    })
    expect(late.stderr).toMatch(/namespaces ".*" not found/)
  })
})

describe('finding out', () => {
  test('api-resources lists the kinds with their short names', async () => {
    const lines = await kubectlOk(target, ['api-resources', '--api-group=network.harvesterhci.io'])
    expect(lines).toMatch(/^ippools +ippl,ippls +network\.harvesterhci\.io\/v1alpha1 +true +IPPool$/m)
    expect(lines).toMatch(
      /^virtualmachinenetworkconfigs +vmnetcfg,vmnetcfgs .* VirtualMachineNetworkConfig$/m,
    )
  })

  test('explain tells the fields of the definition and of metadata', async () => {
    const explained = await kubectlOk(target, ['explain', 'ippl.spec.ipv4Config'])
    expect(explained).toMatch(/KIND: +IPPool/)
    expect(explained).toContain('cidr\t<string> -required-')
    expect(explained).toContain('Address of the DHCP server on the network.')
    expect(await kubectlOk(target, ['explain', 'ippl.metadata'])).toContain('ownerReferences')
  })

  test('describe shows the object and its events', async () => {
    const name = await newPool()
    const uid = await k('get', 'ippl', name, '-o', 'jsonpath={.metadata.uid}')
    await kubectlOk(target, ['-n', namespace, 'create', '-f', '-'], {
      stdin: `apiVersion: v1
kind: Event
metadata: {generateName: test-}
involvedObject: {apiVersion: network.harvesterhci.io/v1alpha1, kind: IPPool, name: ${name}, namespace: ${namespace}, uid: ${uid}}
reason: Registered
message: the pool is served
type: Normal
firstTimestamp: "2024-02-15T13:17:21Z"
lastTimestamp: "2024-02-15T13:17:21Z"
count: 1
source: {component: test}
`,
    })
    const described = await k('describe', 'ippl', name)
    expect(described).toMatch(/Server IP: +192\.168\.48\.77/)
    expect(described).toMatch(/Normal +Registered .* the pool is served/)
    expect(await k('events', '--for', `ippool.network.harvesterhci.io/${name}`)).toContain(
      'the pool is served',
    )
    expect(await k('get', 'events', '--field-selector', `involvedObject.name=${name}`)).toMatch(
      /Normal +Registered +ippool\/.* +the pool is served/,
    )
  })

  test('auth can-i answers', async () => {
    expect(await k('auth', 'can-i', 'create', 'ippools.network.harvesterhci.io')).toBe('yes\n')
  })
})

describe('a definition that comes at run time', () => {
  test('is established, served with its columns and checked, and goes with its objects', async () => {
    const group = `${uniqueName('g')}.example.com`
    const definition = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: gadgets.${group}}
spec:
  group: ${group}
  scope: Cluster
  names: {kind: Gadget, plural: gadgets, singular: gadget}
  versions:
  - name: v1
    served: true
    storage: true
    additionalPrinterColumns: [{name: Size, type: integer, jsonPath: .spec.size}]
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            properties: {size: {type: integer, default: 3, maximum: 9}}
`
    const gadget = (name: string, spec: string) =>
      `apiVersion: ${group}/v1\nkind: Gadget\nmetadata: {name: ${name}}\nspec: ${spec}\n`
    await kubectlOk(target, ['apply', '-f', '-'], { stdin: definition })
    await kubectlOk(target, ['wait', '--for=condition=Established', `crd/gadgets.${group}`, '--timeout=20s'])
    // What is established is in the server's list of kinds a moment later.
    const list = () => kubectl(target, ['get', `gadgets.${group}`])
    await eventually('the kind is served', async () => (await list()).code === 0 || undefined)
    await kubectlOk(target, ['apply', '-f', '-'], { stdin: gadget('a', '{}') })
    expect(await kubectlOk(target, ['get', `gadgets.${group}`])).toMatch(/NAME +SIZE\na +3\n/)
    const bad = await kubectl(target, ['apply', '-f', '-'], { stdin: gadget('b', '{size: 10}') })
    expect(bad.stderr).toContain('spec.size in body should be less than or equal to 9')
    await kubectlOk(target, ['delete', 'crd', `gadgets.${group}`])
    await eventually('the kind is served no longer', async () => (await list()).code === 1 || undefined)
  })
})
