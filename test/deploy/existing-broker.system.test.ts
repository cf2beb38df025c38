import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import * as z from 'zod'
import { NATS_CA_CONFIG_MAP } from '../../src/cli/defaults.ts'
import { packageFile } from '../../src/runtime/package-root.ts'
import { build } from './support/kustomize.ts'
import { container, expandedArguments, workload } from './support/workloads.ts'

const podSchema = z.looseObject({
  spec: z.looseObject({
    template: z.looseObject({
      spec: z.looseObject({
        volumes: z.array(z.looseObject({ name: z.string() })),
        containers: z.array(
          z.looseObject({
            name: z.string(),
            env: z.array(z.looseObject({ name: z.string(), value: z.string().optional() })),
            volumeMounts: z.array(z.looseObject({ name: z.string(), mountPath: z.string() })),
          }),
        ),
      }),
    }),
  }),
})

test('uncommented, the overlay existing-nats lets the controller believe an authority of your own', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'mdhcp-overlay-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const overlay = packageFile('deploy', 'overlays', 'existing-nats')
  const text = await readFile(path.join(overlay, 'controller.yaml'), 'utf8')
  const uncommented = text.replaceAll(/^( +)# /gm, '$1').replace('nats://', 'tls://')
  expect(uncommented).not.toBe(text)
  await writeFile(path.join(folder, 'controller.yaml'), uncommented)
  await writeFile(
    path.join(folder, 'kustomization.yaml'),
    `resources: [${path.relative(folder, overlay)}]\npatches: [{ path: controller.yaml }]\n`,
  )

  const controller = workload(await build(folder), 'managed-dhcp-controller')

  expect(expandedArguments(container(controller, 'controller'))).toContain('tls://nats.nats.svc:4222')
  const { volumes, containers } = podSchema.parse(controller).spec.template.spec
  const [{ env, volumeMounts } = { env: [], volumeMounts: [] }] = containers
  expect(volumes).toContainEqual({ name: 'nats-ca', configMap: { name: NATS_CA_CONFIG_MAP } })
  const [mount] = volumeMounts
  expect(mount).toMatchObject({ name: 'nats-ca', readOnly: true })
  expect(env).toContainEqual({ name: 'NATS_CA_FILE', value: `${mount?.mountPath}/ca.crt` })
  // What was there is there still.
  expect(env.map(({ name }) => name)).toEqual(expect.arrayContaining(['NATS_USER', 'AGENT_IMAGE']))
})
