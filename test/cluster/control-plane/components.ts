import { readFile } from 'node:fs/promises'
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { join } from 'node:path'
import { Component } from './component.ts'
import { API_SERVER_URL, ETCD_URL, files, type Layout, POD_GATEWAY, PORTS, SERVICE_CIDR } from './layout.ts'

export function etcdComponent(layout: Layout): Component {
  const peer = `http://127.0.0.1:${PORTS.etcdPeer}`
  return new Component(layout.directory, {
    name: 'etcd',
    command: join(layout.assets, 'etcd'),
    args: [
      `--data-dir=${files(layout).etcdData}`,
      `--listen-client-urls=${ETCD_URL}`,
      `--advertise-client-urls=${ETCD_URL}`,
      `--listen-peer-urls=${peer}`,
      `--initial-advertise-peer-urls=${peer}`,
      `--initial-cluster=default=${peer}`,
      // kill -9 keeps what was written; only a power failure would not.
      '--unsafe-no-fsync',
      '--log-level=warn',
    ],
    readiness: () => healthOf(`${ETCD_URL}/readyz`),
  })
}

export function apiServerComponent(layout: Layout): Component {
  const { caCertificate, serverCertificate, serverKey, serviceAccountKey, auditPolicy, auditLog } =
    files(layout)
  return new Component(layout.directory, {
    name: 'kube-apiserver',
    command: join(layout.assets, 'kube-apiserver'),
    args: [
      `--etcd-servers=${ETCD_URL}`,
      '--bind-address=0.0.0.0',
      `--secure-port=${PORTS.apiServer}`,
      // The endpoint of the Service `kubernetes`, which may not be a loopback address.
      `--advertise-address=${POD_GATEWAY}`,
      `--tls-cert-file=${serverCertificate}`,
      `--tls-private-key-file=${serverKey}`,
      `--client-ca-file=${caCertificate}`,
      '--service-account-issuer=https://kubernetes.default.svc',
      `--service-account-signing-key-file=${serviceAccountKey}`,
      `--service-account-key-file=${serviceAccountKey}`,
      '--authorization-mode=Node,RBAC',
      '--enable-admission-plugins=NodeRestriction',
      // Who asked for what, and what he was told: the tests of roles read it.
      `--audit-policy-file=${auditPolicy}`,
      `--audit-log-path=${auditLog}`,
      `--service-cluster-ip-range=${SERVICE_CIDR}`,
      // Webhooks of a Service are reached at its endpoints: there is no kube-proxy.
      '--enable-aggregator-routing=true',
      '--allow-privileged=true',
      '--shutdown-delay-duration=0s',
    ],
    readiness: () => healthOf(`${API_SERVER_URL}/readyz`, caCertificate),
  })
}

export function controllerManagerComponent(layout: Layout): Component {
  const { caCertificate, serviceAccountKey, controllerManagerKubeconfig: kubeconfig } = files(layout)
  return new Component(layout.directory, {
    name: 'kube-controller-manager',
    command: join(layout.assets, 'kube-controller-manager'),
    args: [
      ...clientFlags(kubeconfig, PORTS.controllerManager),
      '--controllers=*',
      '--use-service-account-credentials=true',
      `--service-account-private-key-file=${serviceAccountKey}`,
      `--root-ca-file=${caCertificate}`,
      // A node that says nothing for a quarter of a minute is lost: less would take one for lost that is only slow.
      '--node-monitor-period=1s',
      '--node-monitor-grace-period=15s',
    ],
    readiness: () => healthOf(`https://127.0.0.1:${PORTS.controllerManager}/healthz`, 'unchecked'),
  })
}

export function schedulerComponent(layout: Layout): Component {
  return new Component(layout.directory, {
    name: 'kube-scheduler',
    command: join(layout.assets, 'kube-scheduler'),
    args: clientFlags(files(layout).schedulerKubeconfig, PORTS.scheduler),
    readiness: () => healthOf(`https://127.0.0.1:${PORTS.scheduler}/readyz`, 'unchecked'),
  })
}

function clientFlags(kubeconfig: string, port: number): string[] {
  return [
    `--kubeconfig=${kubeconfig}`,
    `--authentication-kubeconfig=${kubeconfig}`,
    `--authorization-kubeconfig=${kubeconfig}`,
    '--leader-elect=false',
    '--bind-address=127.0.0.1',
    `--secure-port=${port}`,
  ]
}

/** @returns undefined for 200, else what was answered. Controller manager and scheduler sign their own certificates. */
async function healthOf(url: string, ca?: string): Promise<string | undefined> {
  const tls =
    ca === 'unchecked' ? { rejectUnauthorized: false } : ca === undefined ? {} : { ca: await readFile(ca) }
  return new Promise((resolve) => {
    const send = url.startsWith('https:') ? httpsRequest : httpRequest
    const request = send(url, { ...tls, agent: false, timeout: 2_000 }, (response) => {
      let body = ''
      response.setEncoding('utf8').on('data', (text: string) => {
        body += text
      })
      response.on('error', (error) => resolve(error.message))
      response.on('end', () =>
        resolve(response.statusCode === 200 ? undefined : `${response.statusCode} ${body}`),
      )
    })
    request.on('timeout', () => request.destroy(new Error(`${url} does not answer`)))
    request.on('error', (error) => resolve(error.message))
    request.end()
  })
}
