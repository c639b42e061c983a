import type { Certificates } from './certificates.ts'
import type { Outcome } from './clients.ts'

/** What the rows are made with: addresses of this test's servers, and its certificates. */
export interface Stage {
  https: string
  http: string
  ipv6: string
  /** The server at a name that only a proxy can find. */
  named: string
  namedHttp: string
  proxies: Record<'http' | 'https' | 'socks' | 'refusing', string>
  certificates: Certificates
}

export interface Row {
  cluster?: Record<string, unknown>
  user?: Record<string, unknown>
  /** Instead of cluster and user: the whole file. */
  text?: string
  /** Beside it; a name that ends in .sh is a program. */
  files?: Record<string, string>
  environment?: Record<string, string>
  path?: string
  expected: Outcome
  /** What kubectl does, where that differs on purpose. */
  theirs?: Outcome
  /** What emr's words must name where it fails. */
  says?: RegExp
}

const PATH = '/who'
const base64 = (text: string) => Buffer.from(text).toString('base64')
const as = (authorization: string): Outcome => ({ path: PATH, authorization })
const bearer = (token: string) => as(`Bearer ${token}`)
const failed = (failure: string): Outcome => ({ failure })
const V1 = 'client.authentication.k8s.io/v1'
const BETA = 'client.authentication.k8s.io/v1beta1'

function credential(status: object, apiVersion = V1): string {
  return `#!/bin/sh\ncat <<'E'\n${JSON.stringify({ apiVersion, kind: 'ExecCredential', status })}\nE\n`
}

function exec(more: object = {}): object {
  return { apiVersion: V1, command: './plugin.sh', interactiveMode: 'Never', ...more }
}

/** A token of OpenID Connect that ends after so many seconds. */
function idToken(seconds: number): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  return `${part({ alg: 'none' })}.${part({ exp: Math.floor(Date.now() / 1000) + seconds })}.x`
}

/** kubectl takes a cluster that is not named to be at KUBERNETES_MASTER, or at localhost:8080; nobody means that. */
const fallsBack = { theirs: failed('connection'), environment: { KUBERNETES_MASTER: 'http://127.0.0.1:1' } }

/** Every kind of kubeconfig that the contract is about, by what it shows. */
export function rows(at: Stage): Record<string, Row> {
  return { ...files(at), ...credentials(at), ...plugins(at), ...addresses(at), ...trust(at) }
}

/** A whole file with the context `c`; the arguments are YAML in flow style. */
function whole(at: Stage, { cluster = '', user = 'token: t', more = '' } = {}): string {
  const ca = base64(at.certificates.ca)
  const server = cluster || `server: ${at.https}, certificate-authority-data: ${ca}`
  return `apiVersion: v1
kind: Config
clusters: [{name: k, cluster: {${server}}}]
users: [{name: u, user: {${user}}}]
contexts: [{name: c, context: {cluster: k, user: u}}]
${more}`
}

function files(at: Stage): Record<string, Row> {
  const ok = whole(at)
  const bad = failed('kubeconfig')
  return {
    'YAML in flow style': { text: ok, expected: bearer('t') },
    'unknown fields are left alone': {
      text: whole(at, { user: 'token: t, x: [1]', more: 'y: {z: 1}' }),
      expected: bearer('t'),
    },
    'sections that are null': { text: `${ok}preferences: null\nextensions: null\n`, expected: bearer('t') },
    'entries that are null beside the wanted ones': {
      text: ok
        .replace('users: [', 'users: [{name: z, user: null}, ')
        .replace('clusters: [', 'clusters: [null, '),
      expected: bearer('t'),
    },
    'fields that are null': { user: { token: 't', tokenFile: null, exec: null }, expected: bearer('t') },
    'all sections null': { text: 'clusters: null\nusers: null\ncontexts: null\n', expected: bad },
    'an empty file': { text: '', expected: bad },
    'a file without apiVersion and kind': {
      text: ok.replace(/^apiVersion.*\nkind.*\n/, ''),
      expected: bearer('t'),
    },
    'another kind': { text: ok.replace('Config', 'Pod'), expected: bad, says: /kind/ },
    'another version': { text: ok.replace('v1', 'v2'), expected: bad, says: /apiVersion/ },
    'anchors and merge keys': {
      text: ok.replace(
        /users: .*/,
        'x: &u {token: anchored}\nusers: [{name: u, user: {<<: *u, username: null}}]',
      ),
      expected: bearer('anchored'),
    },
    'an alias that is nowhere': { text: ok.replace('token: t', 'token: *t'), expected: bad },
    'a key twice: the last one': { text: whole(at, { user: 'token: a, token: b' }), expected: bearer('b') },
    'a second document is not read': { text: `${ok}---\n{{{`, expected: bearer('t') },
    'a list instead of a file': { text: '[1]', expected: bad },
    'text instead of a file': { text: 'hello', expected: bad },
    'a broken file': { text: `${ok}  x: [`, expected: bad, says: /line \d+/ },
    'a tab in the indentation': { text: `clusters:\n\t- name: k\n`, expected: bad },
    'a number as token': { text: whole(at, { user: 'token: 12345' }), expected: bad, says: /token/ },
    'a date as token is text': {
      text: whole(at, { user: 'token: 2026-01-02' }),
      expected: bearer('2026-01-02'),
    },
    'a map as server': { text: whole(at, { cluster: 'server: {a: 1}' }), expected: bad, says: /server/ },
    'a wrong type in an entry that is not wanted': {
      text: ok.replace('users: [', 'users: [{name: z, user: {token: [1]}}, '),
      expected: bad,
    },
    'a field in another spelling is unknown': {
      text: whole(at, { user: 'Token: x, token: t' }),
      expected: bearer('t'),
    },
    'no such context': {
      text: ok.replace('name: c,', 'name: d,'),
      expected: bad,
      says: /context 'c'.*it has: d/,
    },
    'no such cluster': {
      text: ok.replace('name: k', 'name: j'),
      expected: bad,
      says: /cluster/,
      ...fallsBack,
    },
    'no such user': { text: ok.replace('name: u', 'name: v'), expected: bad, says: /credentials/ },
    'no user in the context': { text: ok.replace(', user: u}', '}'), expected: bad },
    'two users of one name': {
      text: ok.replace('users: [', 'users: [{name: u, user: {token: first}}, '),
      expected: bad,
      says: /users.*'u'/,
    },
    'two clusters of one name': {
      text: ok.replace('clusters: [', 'clusters: [{name: k, cluster: {server: "https://x"}}, '),
      expected: bad,
    },
    'two contexts of one name': {
      text: ok.replace('contexts: [', 'contexts: [{name: c, context: {cluster: k, user: v}}, '),
      expected: bad,
    },
  }
}

function credentials(at: Stage): Record<string, Row> {
  const { alice, bob } = at.certificates.clients
  const bad = failed('kubeconfig')
  const pair = { 'client-certificate-data': base64(alice.cert), 'client-key-data': base64(alice.key) }
  const isAlice: Outcome = { path: PATH, certificate: 'alice' }
  return {
    'a token': { user: { token: 'one' }, expected: bearer('one') },
    'a token that the server refuses': { user: { token: 'revoked' }, expected: failed('unauthorized') },
    'a request that the server forbids': {
      user: { token: 't' },
      path: '/forbidden',
      expected: failed('forbidden'),
    },
    'tokenFile before token': {
      user: { token: 'old', tokenFile: 'token' },
      files: { token: 'new\n' },
      expected: bearer('new'),
    },
    'tokenFile in a folder beside the file': {
      user: { tokenFile: 'secrets/token' },
      files: { 'secrets/token': '  spaced \n' },
      expected: bearer('spaced'),
    },
    'a tokenFile that is missing': { user: { tokenFile: 'gone' }, expected: bad, says: /tokenFile .*\/gone/ },
    'a tokenFile that is missing beside a token': {
      user: { token: 'kept', tokenFile: 'gone' },
      expected: bearer('kept'),
    },
    'a tokenFile that is empty': { user: { tokenFile: 'token' }, files: { token: '' }, expected: bad },
    'a tokenFile that is a folder': {
      user: { tokenFile: 'folder' },
      files: { 'folder/x': '' },
      expected: bad,
      says: /tokenFile/,
    },
    'a tilde is a name like any other': {
      user: { tokenFile: '~/token' },
      expected: bad,
      says: /tokenFile .*\/~\/token/,
    },
    'a tilde that is there': {
      user: { tokenFile: '~/token' },
      files: { '~/token': 'tilde' },
      expected: bearer('tilde'),
    },
    'username and password': {
      user: { username: 'ann', password: 'pä:ss' },
      expected: as(`Basic ${base64('ann:pä:ss')}`),
    },
    'a username alone': { user: { username: 'ann' }, expected: as(`Basic ${base64('ann:')}`) },
    'a password alone': { user: { password: 'x' }, expected: bad },
    'username and token': { user: { username: 'ann', password: 'x', token: 't' }, expected: bad },
    'username and tokenFile': {
      user: { username: 'ann', tokenFile: 'token' },
      files: { token: 't' },
      expected: bad,
    },
    nothing: { user: {}, expected: bad, says: /credentials/ },
    'certificate and key as data': { user: pair, expected: isAlice },
    'certificate and key as files': {
      user: { 'client-certificate': 'alice.crt', 'client-key': './alice.key' },
      files: { 'alice.crt': alice.cert, 'alice.key': alice.key },
      expected: isAlice,
    },
    'certificate and token': {
      user: { ...pair, token: 't' },
      expected: { ...isAlice, authorization: 'Bearer t' },
    },
    'certificate as data and as file': {
      user: { ...pair, 'client-certificate': 'bob.crt' },
      files: { 'bob.crt': bob.cert },
      expected: bad,
      says: /client-certificate/,
    },
    'a certificate without its key': {
      user: { 'client-certificate-data': pair['client-certificate-data'] },
      expected: bad,
      says: /client-key/,
    },
    'a key without its certificate': {
      user: { 'client-key-data': pair['client-key-data'], token: 't' },
      expected: bearer('t'),
    },
    'the key of another certificate': {
      user: { ...pair, 'client-key-data': base64(bob.key) },
      expected: bad,
      says: /client-key/,
    },
    'a certificate that is none': {
      user: { ...pair, 'client-certificate-data': base64('x') },
      expected: bad,
    },
    'a client-certificate that is missing': {
      user: { 'client-certificate': 'gone.crt', 'client-key-data': pair['client-key-data'] },
      expected: bad,
      says: /client-certificate .*\/gone\.crt/,
    },
    'a client-key that is missing': {
      user: { 'client-certificate-data': pair['client-certificate-data'], 'client-key': 'gone.key' },
      expected: bad,
      says: /client-key .*\/gone\.key/,
    },
    'data that is not base64': {
      user: { ...pair, 'client-key-data': 'a$b=' },
      expected: bad,
      says: /base64.*client-key-data/s,
    },
    'data without its padding': { user: { ...pair, 'client-key-data': 'YQ' }, expected: bad },
    'data over several lines': {
      user: { ...pair, 'client-key-data': pair['client-key-data'].replace(/(.{64})/g, '$1\n') },
      expected: isAlice,
    },
    'a user that acts as another one': {
      user: {
        token: 't',
        as: 'system:admin',
        'as-uid': '7',
        'as-groups': ['a', 'b c'],
        'as-user-extra': { 'scopes/x': ['1', '2'], ü: ['3'] },
      },
      expected: {
        path: PATH,
        authorization: 'Bearer t',
        impersonate: {
          'impersonate-user': ['system:admin'],
          'impersonate-uid': ['7'],
          'impersonate-group': ['a', 'b c'],
          'impersonate-extra-scopes%2fx': ['1', '2'],
          'impersonate-extra-%c3%bc': ['3'],
        },
      },
    },
    'groups to act with, and no user': {
      user: { token: 't', 'as-groups': ['a'] },
      expected: bad,
      says: /as-groups/,
    },
    'a provider that was removed': {
      user: { 'auth-provider': { name: 'gcp', config: {} } },
      expected: bad,
      says: /gke-gcloud-auth-plugin/,
    },
    'azure as provider': { user: { 'auth-provider': { name: 'azure' } }, expected: bad, says: /kubelogin/ },
    'a provider that nobody knows': { user: { 'auth-provider': { name: 'x' } }, expected: bad },
    'a valid token of oidc': oidc(3600),
  }
}

function oidc(seconds: number): Row {
  const token = idToken(seconds)
  const config = { 'idp-issuer-url': 'https://127.0.0.1:1', 'client-id': 'emr', 'id-token': token }
  return { user: { 'auth-provider': { name: 'oidc', config } }, expected: bearer(token) }
}

function plugins(at: Stage): Record<string, Row> {
  const { alice } = at.certificates.clients
  const bad = failed('credentials')
  const invalid = failed('kubeconfig')
  const pair = { clientCertificateData: alice.cert, clientKeyData: alice.key }
  const gives = (status: object) => ({ 'plugin.sh': credential(status) })
  const row = (more: object, status: object = { token: 'p' }): Row => ({
    user: { exec: exec(more) },
    files: gives(status),
    expected: bearer('p'),
  })
  const script = (lines: string): Row => ({
    user: { exec: exec() },
    files: { 'plugin.sh': `#!/bin/sh\n${lines}\n` },
    expected: bad,
  })
  /** Sends what it was told as its token. */
  const telling = (expression: string): Record<string, string> => ({
    'plugin.sh': `#!/bin/sh\ntold=$(${expression})\nprintf '{"apiVersion":"${V1}","kind":"ExecCredential","status":{"token":"%s"}}' "$told"\n`,
  })
  const info = (more: object) => base64(`${JSON.stringify(more)}\n`)
  return {
    'a plugin beside the file gives a token': row({}),
    'a plugin gives a certificate': {
      ...row({}, pair),
      expected: { path: PATH, certificate: 'alice' },
    },
    'a plugin gives a certificate and a token': {
      ...row({}, { ...pair, token: 'p' }),
      expected: { path: PATH, certificate: 'alice', authorization: 'Bearer p' },
    },
    'a plugin of v1beta1 without interactiveMode': {
      user: { exec: { apiVersion: BETA, command: './plugin.sh' } },
      files: { 'plugin.sh': credential({ token: 'p' }, BETA) },
      expected: bearer('p'),
    },
    'a plugin of v1 without interactiveMode': {
      ...row({ interactiveMode: null }),
      expected: invalid,
      says: /interactiveMode/,
    },
    'a plugin of another interactiveMode': { ...row({ interactiveMode: 'never' }), expected: invalid },
    'a plugin that needs a terminal': {
      ...row({ interactiveMode: 'Always' }),
      expected: bad,
      says: /terminal/,
    },
    'a plugin that would like a terminal': row({ interactiveMode: 'IfAvailable' }),
    'a plugin of v1alpha1': {
      ...row({ apiVersion: 'client.authentication.k8s.io/v1alpha1' }),
      expected: invalid,
    },
    'a plugin without apiVersion': { ...row({ apiVersion: '' }), expected: invalid, says: /apiVersion/ },
    'a plugin without command': { ...row({ command: '' }), expected: invalid, says: /command/ },
    'a plugin whose variable has no name': {
      ...row({ env: [{ value: 'x' }] }),
      expected: invalid,
      says: /env/,
    },
    'arguments, and variables': {
      user: { exec: exec({ args: ['a b', '$X'], env: [{ name: 'X', value: 'y' }] }) },
      files: telling('echo "$1/$2/$X"'),
      expected: bearer('a b/$X/y'),
    },
    'a plugin on PATH': {
      user: {
        exec: exec({
          command: 'sh',
          args: ['-c', 'echo "$P"'],
          env: [{ name: 'P', value: credential({ token: 'p' }).split('\n')[2] }],
        }),
      },
      expected: bearer('p'),
    },
    'a PATH in the variables is for the plugin alone': {
      user: {
        exec: exec({ command: 'cat', args: ['/dev/null'], env: [{ name: 'PATH', value: '/nonexistent' }] }),
      },
      expected: bad,
      says: /no ExecCredential/,
    },
    'what a plugin is told': {
      user: { exec: exec() },
      files: telling('printf %s "$KUBERNETES_EXEC_INFO" | base64 -w0'),
      expected: bearer(info({ kind: 'ExecCredential', apiVersion: V1, spec: { interactive: false } })),
    },
    'what a plugin is told of the cluster': {
      cluster: { extensions: [{ name: 'client.authentication.k8s.io/exec', extension: { audience: 'x' } }] },
      user: { exec: exec({ provideClusterInfo: true }) },
      files: telling('printf %s "$KUBERNETES_EXEC_INFO" | base64 -w0'),
      expected: bearer(
        info({
          kind: 'ExecCredential',
          apiVersion: V1,
          spec: {
            cluster: {
              server: at.https,
              'certificate-authority-data': base64(at.certificates.ca),
              config: { audience: 'x' },
            },
            interactive: false,
          },
        }),
      ),
    },
    'a token before a plugin': { ...row({}), user: { token: 't', exec: exec() }, expected: bearer('t') },
    'a plugin and a provider': {
      ...row({}),
      user: { exec: exec(), 'auth-provider': { name: 'oidc' } },
      expected: invalid,
    },
    'a plugin that is missing': {
      user: { exec: exec({ command: 'no-such-plugin', installHint: 'get it from example.com' }) },
      expected: bad,
      says: /no-such-plugin.*get it from example\.com/s,
    },
    'a plugin that is missing beside the file': {
      user: { exec: exec({ command: './gone.sh', installHint: 'unpack it' }) },
      expected: bad,
      says: /gone\.sh/,
    },
    'a plugin that fails': { ...script('echo "no session" >&2; exit 3'), says: /exited with 3.*no session/s },
    'a plugin that prints garbage': { ...script('echo secret-garbage'), says: /no ExecCredential/ },
    'a plugin that prints nothing': script(':'),
    'a plugin that prints YAML': {
      ...script(`printf 'apiVersion: ${V1}\\nkind: ExecCredential\\nstatus: {token: p}\\n'`),
      expected: bearer('p'),
    },
    'a plugin that never ends': { ...script('exec sleep 60'), says: /did not end/ },
    'a plugin of another version': {
      ...row({}),
      files: { 'plugin.sh': credential({ token: 'p' }, BETA) },
      expected: bad,
      says: /v1beta1/,
    },
    'a plugin without status': {
      ...script(`echo '{"apiVersion":"${V1}","kind":"ExecCredential"}'`),
      says: /status/,
    },
    'a plugin that gives half a pair': { ...row({}, { clientCertificateData: alice.cert }), expected: bad },
    'a plugin that gives nothing': { ...row({}, {}), expected: bad },
    'a plugin that gives a certificate that is none': {
      ...row({}, { ...pair, clientCertificateData: 'x' }),
      expected: bad,
    },
    'a plugin whose token has expired already': row(
      {},
      { token: 'p', expirationTimestamp: '2020-01-01T00:00:00Z' },
    ),
    'a plugin with a time that is none': {
      ...row({}, { token: 'p', expirationTimestamp: 'soon' }),
      expected: bad,
    },
    'a plugin whose token the server refuses': {
      ...row({}, { token: 'revoked' }),
      expected: failed('unauthorized'),
    },
  }
}

function addresses(at: Stage): Record<string, Row> {
  const user = { token: 't' }
  const seen = (via: string): Outcome => ({ ...bearer('t'), via })
  const basic = `Basic ${base64('me:pw')}`
  const proxied = (scheme: keyof Stage['proxies'], via: string): Row => ({
    cluster: { server: at.named, 'proxy-url': at.proxies[scheme] },
    user,
    expected: seen(via),
  })
  const byEnvironment = (environment: Record<string, string>, expected: Outcome): Row => ({
    cluster: { server: at.named },
    user,
    environment,
    expected,
  })
  const { http: proxy } = at.proxies
  const tunnel = seen('tunnel to cluster.internal')
  const unreachable = failed('connection')
  const anonymous: Outcome = { path: PATH }
  return {
    'plain http: no secret is sent': { cluster: { server: at.http }, user, expected: anonymous },
    'plain http: no plugin is run': {
      cluster: { server: at.http },
      user: { exec: exec({ command: 'no-such-plugin' }) },
      expected: anonymous,
    },
    'plain http: acting as another one': {
      cluster: { server: at.http },
      user: { as: 'x' },
      expected: { path: PATH, impersonate: { 'impersonate-user': ['x'] } },
    },
    'plain http, nothing in the user': { cluster: { server: at.http }, user: {}, expected: anonymous },
    'plain http, with a file that is missing': {
      cluster: { server: at.http },
      user: { 'client-certificate': 'gone', 'client-key': 'gone' },
      expected: failed('kubeconfig'),
    },
    'plain http, with a tokenFile that is missing': {
      cluster: { server: at.http },
      user: { tokenFile: 'gone' },
      expected: anonymous,
    },
    'an address without a scheme is http': {
      cluster: { server: at.http.replace('http://', '') },
      user,
      expected: anonymous,
    },
    'a path before the API': {
      cluster: { server: `${at.https}/k8s/clusters/c-1` },
      user,
      expected: { ...bearer('t'), path: `/k8s/clusters/c-1${PATH}` },
    },
    'a path that ends in a slash': {
      cluster: { server: `${at.https}/x/` },
      user,
      expected: { ...bearer('t'), path: `/x${PATH}` },
    },
    'a slash at the end': { cluster: { server: `${at.https}/` }, user, expected: bearer('t') },
    IPv6: { cluster: { server: at.ipv6 }, user, expected: bearer('t') },
    'no server': {
      cluster: { server: '' },
      user,
      expected: failed('kubeconfig'),
      says: /server/,
      ...fallsBack,
    },
    'nobody listens': { cluster: { server: 'https://127.0.0.1:1' }, user, expected: unreachable },
    'a name that nobody knows': {
      cluster: { server: 'https://nowhere.invalid' },
      user,
      expected: unreachable,
    },
    'https to a server of http': {
      cluster: { server: at.http.replace('http:', 'https:') },
      user,
      expected: unreachable,
    },
    'proxy-url: http': proxied('http', 'tunnel to cluster.internal'),
    'proxy-url: https': proxied('https', 'tunnel to cluster.internal'),
    'proxy-url: socks5, which looks up names': proxied('socks', 'socks to cluster.internal'),
    'proxy-url with a password': {
      ...proxied('http', ''),
      cluster: { server: at.named, 'proxy-url': proxy.replace('://', '://me:pw@') },
      expected: seen(`tunnel to cluster.internal ${basic}`),
    },
    'proxy-url also for this machine': {
      cluster: { server: at.https, 'proxy-url': proxy },
      user,
      expected: seen('tunnel to 127.0.0.1'),
    },
    'proxy-url for a server of http': {
      cluster: { server: at.namedHttp, 'proxy-url': proxy },
      user,
      expected: { ...anonymous, via: 'request' },
    },
    'proxy-url before the environment, and NO_PROXY': {
      ...proxied('http', 'tunnel to cluster.internal'),
      environment: { HTTPS_PROXY: 'http://127.0.0.1:1', NO_PROXY: '*' },
    },
    'proxy-url of another scheme': {
      cluster: { 'proxy-url': 'ftp://127.0.0.1:1' },
      user,
      expected: failed('kubeconfig'),
      says: /proxy-url/,
    },
    'proxy-url without a scheme': {
      cluster: { 'proxy-url': '127.0.0.1:1' },
      user,
      expected: failed('kubeconfig'),
      says: /proxy-url/,
    },
    'proxy-url where nobody listens': {
      cluster: { 'proxy-url': 'http://127.0.0.1:1' },
      user,
      expected: unreachable,
    },
    'a proxy that refuses is not the server': {
      ...proxied('refusing', ''),
      expected: unreachable,
      says: /proxy .*403/,
    },
    HTTPS_PROXY: byEnvironment({ HTTPS_PROXY: proxy }, tunnel),
    https_proxy: byEnvironment({ https_proxy: proxy }, tunnel),
    'HTTPS_PROXY without a scheme': byEnvironment({ HTTPS_PROXY: proxy.replace('http://', '') }, tunnel),
    'HTTPS_PROXY: socks5': byEnvironment(
      { HTTPS_PROXY: at.proxies.socks },
      seen('socks to cluster.internal'),
    ),
    'HTTPS_PROXY before https_proxy': byEnvironment(
      { HTTPS_PROXY: proxy, https_proxy: 'http://127.0.0.1:1' },
      tunnel,
    ),
    'HTTP_PROXY is not for https': byEnvironment({ HTTP_PROXY: proxy }, unreachable),
    HTTP_PROXY: {
      cluster: { server: at.namedHttp },
      user,
      environment: { HTTP_PROXY: proxy },
      expected: { ...anonymous, via: 'request' },
    },
    'HTTPS_PROXY never for this machine': {
      user,
      environment: { HTTPS_PROXY: 'http://127.0.0.1:1' },
      expected: bearer('t'),
    },
    'NO_PROXY: a name': byEnvironment({ HTTPS_PROXY: proxy, NO_PROXY: 'x, cluster.internal' }, unreachable),
    'NO_PROXY: the domain': byEnvironment({ HTTPS_PROXY: proxy, NO_PROXY: 'internal' }, unreachable),
    'NO_PROXY: the domain with a dot': byEnvironment(
      { HTTPS_PROXY: proxy, no_proxy: '.internal' },
      unreachable,
    ),
    'NO_PROXY: the name with a dot is its subdomains': byEnvironment(
      { HTTPS_PROXY: proxy, NO_PROXY: '.cluster.internal' },
      tunnel,
    ),
    'NO_PROXY: another port': byEnvironment({ HTTPS_PROXY: proxy, NO_PROXY: 'cluster.internal:1' }, tunnel),
    'NO_PROXY: everything': byEnvironment({ HTTPS_PROXY: proxy, NO_PROXY: '*' }, unreachable),
  }
}

function trust(at: Stage): Record<string, Row> {
  const { ca, strangerCa } = at.certificates
  const user = { token: 't' }
  const data = base64(ca)
  const none = { 'certificate-authority-data': null }
  const unreachable = failed('connection')
  return {
    'an authority as a file': {
      cluster: { ...none, 'certificate-authority': 'pki/ca.crt' },
      files: { 'pki/ca.crt': ca },
      user,
      expected: bearer('t'),
    },
    'an authority as a file that is missing': {
      cluster: { ...none, 'certificate-authority': 'pki/ca.crt' },
      user,
      expected: failed('kubeconfig'),
      says: /certificate-authority .*\/pki\/ca\.crt/,
    },
    'an authority as data and as file': {
      cluster: { 'certificate-authority-data': data, 'certificate-authority': 'ca.crt' },
      files: { 'ca.crt': ca },
      user,
      expected: failed('kubeconfig'),
    },
    'an authority that is none': {
      cluster: { 'certificate-authority-data': base64('x') },
      user,
      expected: failed('kubeconfig'),
      says: /certificate-authority/,
    },
    'another authority': {
      cluster: { 'certificate-authority-data': base64(strangerCa) },
      user,
      expected: unreachable,
    },
    'several authorities': {
      cluster: { 'certificate-authority-data': base64(`${strangerCa}\n${ca}`) },
      user,
      expected: bearer('t'),
    },
    'no authority: those of the machine': { cluster: none, user, expected: unreachable },
    'insecure-skip-tls-verify': {
      cluster: { ...none, 'insecure-skip-tls-verify': true },
      user,
      expected: bearer('t'),
    },
    'insecure-skip-tls-verify: yes': {
      text: whole(at, { cluster: `server: ${at.https}, insecure-skip-tls-verify: yes` }),
      expected: bearer('t'),
    },
    'insecure-skip-tls-verify with an authority': {
      cluster: { 'insecure-skip-tls-verify': true },
      user,
      expected: failed('kubeconfig'),
      says: /insecure-skip-tls-verify/,
    },
    'insecure-skip-tls-verify as text': {
      cluster: { ...none, 'insecure-skip-tls-verify': 'true' },
      user,
      expected: failed('kubeconfig'),
    },
    'tls-server-name': { cluster: { 'tls-server-name': 'cluster.internal' }, user, expected: bearer('t') },
    'tls-server-name of another server': {
      cluster: { 'tls-server-name': 'other.internal' },
      user,
      expected: unreachable,
    },
    'tls-server-name through a proxy': {
      cluster: {
        server: at.named.replace('cluster', 'alias'),
        'proxy-url': at.proxies.http,
        'tls-server-name': 'cluster.internal',
      },
      user,
      expected: { ...bearer('t'), via: 'tunnel to alias.internal' },
    },
    'another name through a proxy': {
      cluster: { server: at.named.replace('cluster', 'alias'), 'proxy-url': at.proxies.http },
      user,
      expected: unreachable,
    },
    'disable-compression': { cluster: { 'disable-compression': true }, user, expected: bearer('t') },
  }
}
