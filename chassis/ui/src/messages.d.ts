/** The compiled texts of a locale; see `build/messages.ts`. */
declare module "*?messages" {
  const texts: Record<string, (args: Record<string, unknown>) => string>;
  export default texts;
}

declare module "*.css?inline" {
  const css: string;
  export default css;
}

declare module "*.css" {}
