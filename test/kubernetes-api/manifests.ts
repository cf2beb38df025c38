/** An IPPool as a user writes it. */
export function poolYaml(name: string, more = ''): string {
  return `apiVersion: network.harvesterhci.io/v1alpha1
kind: IPPool
metadata:
  name: ${name}
spec:
  ipv4Config:
    serverIP: 192.168.48.77
    cidr: 192.168.48.0/24
    pool:
      start: 192.168.48.81
      end: 192.168.48.90
    leaseTime: 300
${more}  networkName: default/net-48
`
}

export const POOL_SPEC = {
  ipv4Config: {
    serverIP: '192.168.48.77',
    cidr: '192.168.48.0/24',
    pool: { start: '192.168.48.81', end: '192.168.48.90' },
    leaseTime: 300,
  },
  networkName: 'default/net-48',
}
