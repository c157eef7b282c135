/** What the service tells its page: the JSON in `<meta name="candor">`. */
export function settings<T>(): T {
  const told = document.querySelector<HTMLMetaElement>('meta[name="candor"]')?.content;
  return JSON.parse(told ?? "{}") as T;
}
