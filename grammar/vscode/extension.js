// Highlighting needs no code: this starts the language server where gatecheck is installed, and is quiet where it is not.

const fs = require("node:fs");
const path = require("node:path");
const { workspace } = require("vscode");
const { LanguageClient } = require("vscode-languageclient/node");

let client;

async function activate(context) {
  if (workspace.isTrusted) {
    await start();
  } else {
    context.subscriptions.push(workspace.onDidGrantWorkspaceTrust(start));
  }
}

async function start() {
  const command = find(workspace.getConfiguration("gatecheck").get("path"));
  if (command) {
    const rules = ["file", "untitled"].map((scheme) => ({ scheme, language: "gatecheck" }));
    client = new LanguageClient("gatecheck", "gatecheck", { command, args: ["lsp"] }, { documentSelector: rules });
    await client.start();
  }
}

function deactivate() {
  return client?.stop();
}

// A bare name is looked for in PATH and nowhere else, so that no folder that somebody opens can bring its own.
function find(command) {
  const folders = path.isAbsolute(command) ? [""] : (process.env.PATH ?? "").split(path.delimiter).filter(path.isAbsolute);
  const names = process.platform === "win32" ? [command, `${command}.exe`] : [command];
  return folders.flatMap((folder) => names.map((name) => path.join(folder, name))).find(isProgram);
}

function isProgram(file) {
  try {
    fs.accessSync(file, fs.constants.X_OK);
    return fs.statSync(file).isFile();
  } catch {
    return false;
  }
}

module.exports = { activate, deactivate };
