import { CONTROL_PLANE_VARIABLE, type ControlPlane, startControlPlane } from './control-plane.ts'
import { installDefinitions } from './definitions.ts'

let controlPlane: ControlPlane | undefined

/** One control plane for all tests of the run; test processes inherit the environment. */
export async function setup(): Promise<void> {
  const began = performance.now()
  controlPlane = await startControlPlane()
  await installDefinitions(controlPlane)
  process.env[CONTROL_PLANE_VARIABLE] = controlPlane.directory
  process.env.MANAGED_DHCP_TEST_KUBECONFIG = controlPlane.kubeconfig
  process.stderr.write(`control plane ready in ${((performance.now() - began) / 1000).toFixed(1)} s\n`)
}

export async function teardown(): Promise<void> {
  await controlPlane?.stop()
}
