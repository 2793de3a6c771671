// A Matrix client for the demo: Hydrogen, logged in by itself with what /demo.json says.

import {
  Client,
  FeatureSet,
  LoadStatus,
  Platform,
  RootViewModel,
  createNavigation,
  createRouter,
} from "hydrogen-view-sdk";
import "hydrogen-view-sdk/assets/theme-element-light.css";
import downloadSandbox from "hydrogen-view-sdk/download-sandbox.html?url";
import worker from "hydrogen-view-sdk/main.js?url";
import olmWasm from "@matrix-org/olm/olm.wasm?url";
import olm from "@matrix-org/olm/olm.js?url";
import olmLegacy from "@matrix-org/olm/olm_legacy.js?url";
import { tileFor } from "./changes.js";

const ASSETS = {
  downloadSandbox,
  worker,
  olm: { wasm: olmWasm, wasmBundle: olm, legacyBundle: olmLegacy },
  serviceWorker: "sw.js",
};
const LAST_DEMO = "demo";

// Every demo has a homeserver of its own; what was kept of an earlier one at the same address is worth nothing.
async function forgetOtherDemos(id) {
  if (localStorage.getItem(LAST_DEMO) === id) {
    return;
  }
  localStorage.clear();
  const gone = (request) =>
    new Promise((resolve) => {
      request.onsuccess = request.onerror = request.onblocked = resolve;
    });
  const databases = await indexedDB.databases();
  await Promise.all(databases.map(({ name }) => gone(indexedDB.deleteDatabase(name))));
  history.replaceState(null, "", location.pathname);
  localStorage.setItem(LAST_DEMO, id);
}

// Gives the id under which Hydrogen keeps the session.
async function logIn(platform, demo) {
  const client = new Client(platform);
  const { password } = await client.queryLogin(demo.homeserver).result;
  await client.startWithLogin(password(demo.user, demo.password));
  if (client.loadStatus.get() !== LoadStatus.Ready) {
    throw client.loadError ?? new Error(`login failed: ${client.loginFailure}`);
  }
  const { sessionId } = client;
  client.dispose();
  return sessionId;
}

async function start(container) {
  const demo = await (await fetch("/demo.json", { cache: "no-store" })).json();
  await forgetOtherDemos(demo.id);
  const config = { defaultHomeServer: demo.homeserver };
  const platform = new Platform({ container, assetPaths: ASSETS, config });
  const navigation = createNavigation();
  platform.setNavigation(navigation);
  await platform.init();
  const sessions = await platform.sessionInfoStorage.getAll();
  if (sessions.length === 0) {
    const session = await logIn(platform, demo);
    history.replaceState(null, "", `#/session/${session}/room/${encodeURIComponent(demo.room)}`);
  }
  const urlRouter = createRouter({ navigation, history: platform.history });
  urlRouter.attach();
  const features = await FeatureSet.load(platform.settingsStorage);
  const root = new RootViewModel({
    platform,
    urlRouter,
    navigation,
    features,
    tileClassForEntry: tileFor,
  });
  await root.load();
  platform.createAndMountRootView(root);
}

const container = document.querySelector("#app");
start(container).catch((error) => {
  const message = document.createElement("p");
  message.textContent = `The client does not start: ${error.message}`;
  container.replaceChildren(message);
});
