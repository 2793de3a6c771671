// Hydrogen asks for its parts by address, so nothing may be folded into the code.
import { copyFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

// Fetches pictures with the access token; a service worker only works from the root, under its own name.
const serviceWorker = {
  name: "service-worker",
  writeBundle({ dir }) {
    const from = new URL("node_modules/hydrogen-view-sdk/lib-build/sw.js", import.meta.url);
    copyFileSync(fileURLToPath(from), `${dir}/sw.js`);
  },
};

export default {
  publicDir: false,
  build: { assetsInlineLimit: 0, chunkSizeWarningLimit: 4096 },
  plugins: [serviceWorker],
};
