/** As kubectl writes it, with comments of its owner. */
export const OWN_KUBECONFIG = `# Mine. Ask before you change it.
apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: ${'QUJD'.repeat(60)}
    server: https://home.example # behind the VPN
  name: home
contexts:
- context:
    cluster: home
    user: me
  name: home
current-context: home
kind: Config
preferences: {}
users:
# The token of the wall.
- name: me
  user:
    token: abc
`
