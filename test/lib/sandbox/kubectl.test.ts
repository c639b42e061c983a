import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { deployment, startTestSandbox, type TestSandbox } from './support.ts'

/** What people type, with the real kubectl of the newest and an older version. */
describe.each(['kubectl', 'kubectl32'] as const)('%s', (version) => {
  let sandbox: TestSandbox
  const namespace = version
  const web = JSON.stringify(deployment('web'))

  async function kubectl(args: string, stdin?: string) {
    return sandbox[version](['-n', namespace, ...args.split(' ')], stdin)
  }

  beforeAll(async () => {
    sandbox = await startTestSandbox()
    await sandbox.kubectl(['create', 'namespace', namespace])
  })
  afterAll(() => sandbox.stop())

  it('knows the cluster', async () => {
    expect((await kubectl('get nodes')).stdout).toMatch(/ip-10-0-32-10\.ec2\.internal +Ready +<none>/)
    expect((await kubectl('get crd')).stdout).toContain('externalsecrets.external-secrets.io')
    expect((await kubectl('auth can-i create pods')).stdout).toBe('yes\n')
    expect((await kubectl('auth whoami')).stdout).toContain('emr-sandbox')
    expect((await kubectl('version')).stdout).toContain('Server Version: v1.30.14')
  })

  it('applies, and finds nothing to change the second time', async () => {
    expect((await kubectl('apply -f -', web)).stdout).toBe('deployment.apps/web created\n')
    expect((await kubectl('apply -f -', web)).stdout).toBe('deployment.apps/web unchanged\n')
    expect((await kubectl('diff -f -', web)).code).toBe(0)
  })

  it('shows the diff of a change', async () => {
    const changed = web.replace('web:v1', 'web:v2')
    const { code, stdout } = await kubectl('diff -f -', changed)
    expect(code).toBe(1)
    expect(stdout).toContain('-      - image: registry.example.com/web:v1')
    expect(stdout).toContain('+      - image: registry.example.com/web:v2')
  })

  it('follows a roll-out', async () => {
    const { code, stdout } = await kubectl('rollout status deployment/web --timeout 20s')
    expect(stdout).toContain('deployment "web" successfully rolled out')
    expect(code).toBe(0)
    await kubectl('rollout restart deployment/web')
    expect((await kubectl('rollout status deployment/web --timeout 20s')).code).toBe(0)
    expect((await kubectl('rollout history deployment/web')).stdout).toMatch(/1 +<none>\n2 +<none>/)
    await kubectl('rollout undo deployment/web')
    expect((await kubectl('rollout status deployment/web --timeout 20s')).code).toBe(0)
  })

  it('prints tables as a real cluster does', async () => {
    const pods = await kubectl('get pods -o wide')
    expect(pods.stdout).toMatch(
      /^NAME +READY +STATUS +RESTARTS +AGE +IP +NODE +NOMINATED NODE +READINESS GATES\n/,
    )
    expect(pods.stdout).toMatch(/\nweb-[a-z0-9]+-[a-z0-9]{5} +1\/1 +Running +0 /)
    expect((await kubectl('get deploy')).stdout).toMatch(/\nweb +2\/2 +2 +2 +\d+s\n/)
    expect((await kubectl('get rs')).stdout).toMatch(/^NAME +DESIRED +CURRENT +READY +AGE\n/)
    expect((await kubectl('get events')).stdout).toMatch(/^LAST SEEN +TYPE +REASON +OBJECT +MESSAGE\n/)
    const all = await kubectl('get all,ingress,hpa,pdb,cm,secret,quota,netpol,sa,endpointslices')
    expect(all.stdout).toContain('configmap/kube-root-ca.crt')
    expect(all.code).toBe(0)
  })

  it('describes', async () => {
    const { stdout } = await kubectl('describe deployment web')
    expect(stdout).toMatch(/Available +True +MinimumReplicasAvailable/)
    expect(stdout).toMatch(/Normal +ScalingReplicaSet .*deployment-controller +Scaled up replica set web-/)
    const pods = await kubectl('describe pods -l app=web')
    expect(pods.stdout).toMatch(/Normal +Scheduled +\S+ +default-scheduler +Successfully assigned/)
    expect((await kubectl('describe node ip-10-0-32-10.ec2.internal')).stdout).toContain(
      'Allocated resources',
    )
  })

  it('scales', async () => {
    await kubectl('scale deployment web --replicas 4')
    expect((await kubectl('rollout status deployment/web --timeout 20s')).code).toBe(0)
    expect((await kubectl('get deploy web')).stdout).toMatch(/4\/4/)
  })

  it('patches in all three ways', async () => {
    const strategic =
      '{"spec":{"template":{"spec":{"containers":[{"name":"app","env":[{"name":"A","value":"1"}]}]}}}}'
    expect((await kubectl(`patch deploy web -p ${strategic}`)).code).toBe(0)
    const operation = '[{"op":"add","path":"/metadata/labels","value":{"x":"y"}}]'
    expect((await kubectl(`patch deploy web --type json -p ${operation}`)).code).toBe(0)
    expect((await kubectl('patch deploy web --type merge -p {"metadata":{"labels":{"x":null}}}')).code).toBe(
      0,
    )
    const { stdout } = await kubectl('get deploy web -o jsonpath={.spec.template.spec.containers[0]}')
    expect(JSON.parse(stdout)).toMatchObject({
      image: 'registry.example.com/web:v1',
      env: [{ name: 'A', value: '1' }],
    })
  })

  it('refuses a server-side apply over somebody else, unless forced', async () => {
    const mine = web.replace('web:v1', 'web:v5')
    const refused = await kubectl('apply --server-side --field-manager other -f -', mine)
    expect(refused.code).toBe(1)
    expect(
      refused.stderr,
    ).toContain(`Apply failed with 2 conflicts: conflicts with "kubectl" with subresource "scale" using apps/v1:
- .spec.replicas
conflicts with "kubectl-client-side-apply" using apps/v1:
- .spec.template.spec.containers[name="app"].image`)
    const forced = await kubectl('apply --server-side --force-conflicts --field-manager other -f -', mine)
    expect(forced.stdout).toBe('deployment.apps/web serverside-applied\n')
    expect((await kubectl('apply --server-side --field-manager other -f -', mine)).code).toBe(0)
  })

  it('warns of unknown fields and refuses them when strict', async () => {
    const wrong = web.replace('"replicas"', '"replica"').replace('"name":"web"', '"name":"wrong"')
    const strict = await kubectl('apply -f -', wrong)
    expect(strict.stderr).toContain('strict decoding error: unknown field "spec.replica"')
    expect(strict.code).toBe(1)
    const warned = await kubectl('apply --validate=warn -f -', wrong)
    expect(warned.stderr).toContain('Warning: unknown field "spec.replica"')
    expect(warned.code).toBe(0)
    await kubectl('delete deployment wrong')
  })

  it('shows logs', async () => {
    expect((await kubectl('rollout status deployment/web --timeout 20s')).code).toBe(0)
    const { stdout, stderr } = await kubectl('logs deployment/web --timestamps --since 1h')
    expect(stderr).not.toContain('Error')
    expect(stdout).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z \{"time":".*"msg":"starting"/)
    expect((await kubectl('logs -l app=web --tail 1')).stdout.trim().split('\n')).toHaveLength(2)
    const previous = await kubectl('logs deployment/web --previous')
    expect(previous.stderr).toMatch(/previous terminated container "app" in pod "web-.*" not found/)
  })

  it('shows resource usage', async () => {
    expect((await kubectl('top pods')).stdout).toMatch(/\nweb-\S+ +\d+m +\d+Mi/)
    expect((await kubectl('top nodes')).stdout).toMatch(
      /ip-10-0-32-10\.ec2\.internal +\d+m +\d+% +\d+Mi +\d+%/,
    )
  })

  it('says why there is no exec', async () => {
    await kubectl('run shell --image=registry.example.com/netshoot:v1')
    await kubectl('wait --for=condition=Ready pod/shell --timeout 20s')
    const { code, stderr } = await kubectl('exec shell -- ls')
    expect(stderr).toContain('exec is not available: this is the emr sandbox, whose pods run no processes')
    expect(code).toBe(1)
  })

  it('creates what `kubectl create` sends as protobuf', async () => {
    expect((await kubectl('create secret generic s --from-literal=a=b')).code).toBe(0)
    expect((await kubectl('create configmap c --from-literal=a=b')).code).toBe(0)
    expect((await kubectl('create quota q --hard=pods=50,services=5')).code).toBe(0)
    expect((await kubectl('create serviceaccount sa')).code).toBe(0)
    expect((await kubectl('get secret s -o jsonpath={.data.a}')).stdout).toBe('Yg==')
    expect((await kubectl('get quota q -o jsonpath={.spec.hard}')).stdout).toBe(
      '{"pods":"50","services":"5"}',
    )
  })

  it('waits for conditions and for the end', async () => {
    expect((await kubectl('wait --for=condition=Available deployment/web --timeout 20s')).code).toBe(0)
    await kubectl('delete deployment web')
    expect((await kubectl('wait --for=delete pod -l app=web --timeout 20s')).code).toBe(0)
  })

  it('watches', async () => {
    const watching = sandbox.follow(['get', 'pods', '-w', '-n', namespace])
    // Once it has told anything, it misses nothing.
    await kubectl('apply -f -', JSON.stringify(deployment('first', { replicas: 1 })))
    expect(await watching.line(/first-/)).toBeTruthy()
    await kubectl('apply -f -', JSON.stringify(deployment('seen', { replicas: 1 })))
    expect(await watching.line(/seen-\S+ +0\/1 +ContainerCreating/)).toBeTruthy()
    expect(await watching.line(/seen-\S+ +1\/1 +Running/)).toBeTruthy()
    await kubectl('delete deployment seen --wait=false')
    expect(await watching.line(/seen-\S+ +1\/1 +Terminating/)).toBeTruthy()
  })

  it('follows a log until its container ends', async () => {
    await kubectl('run once --image=registry.example.com/job:v1 --restart=Never')
    await kubectl('wait --for=jsonpath={.status.phase}=Succeeded pod/once --timeout 20s')
    const log = sandbox.follow(['logs', '-f', 'once', '-n', namespace])
    expect(await log.line(/"msg":"job done"/)).toBeTruthy()
  })

  it('deletes a namespace with everything in it', async () => {
    expect((await sandbox[version](['delete', 'namespace', namespace, '--timeout', '20s'])).code).toBe(0)
    expect((await kubectl('get all,cm,secret,quota')).stdout).toBe('')
  })
})
