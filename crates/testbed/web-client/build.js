// Puts the client together in `dist`.
import { copyFile, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { build } from "esbuild";

const { resolve } = createRequire(import.meta.url);

// What is imported as `….?url` stays a file of its own, and the import gives its address: Hydrogen asks for its parts so.
const byAddress = {
  name: "by-address",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /\?url$/ }, ({ path }) => ({
      path: resolve(path.replace("?url", "")),
      namespace: "by-address",
    }));
    onLoad({ filter: /./, namespace: "by-address" }, async ({ path }) => ({
      contents: await readFile(path),
      loader: "file",
    }));
  },
};

await build({
  entryPoints: ["main.js"],
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  outdir: "dist",
  assetNames: "assets/[name]-[hash]",
  publicPath: "/",
  loader: { ".svg": "file", ".woff": "file", ".woff2": "file" },
  plugins: [byAddress],
  // Only asked for outside browsers.
  external: ["crypto", "fs", "path"],
  logLevel: "warning",
});

for (const page of ["index.html", "both.html", "page.css"]) {
  await copyFile(page, `dist/${page}`);
}
// Fetches pictures with the access token; it only works from the root, under its own name.
await copyFile("node_modules/hydrogen-view-sdk/lib-build/sw.js", "dist/sw.js");
