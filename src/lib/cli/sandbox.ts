export async function sandboxKubeconfig(
  ..._args: unknown[]
): Promise<{ kubeconfig: string; context: string } | undefined> {
  throw new Error('todo')
}
