// The two dialogs: one asks for a key, the other confirms changes to the service.

const byId = (id) => document.getElementById(id);

/** Ask for a key. Resolves to it, or to null if the dialog is cancelled. */
export function askForKey(why) {
  byId("key-why").textContent = why;
  byId("key").value = "";
  return answered("key-dialog", "key-form", "key-cancel").then((yes) => (yes ? byId("key").value.trim() : null));
}

/** Whether the user confirms. */
export function confirmed(title, text, yes) {
  byId("confirm-title").textContent = title;
  byId("confirm-text").textContent = text;
  byId("confirm-yes").textContent = yes;
  return answered("confirm-dialog", "confirm-form", "confirm-no");
}

function answered(dialogId, formId, cancelId) {
  const dialog = byId(dialogId);
  return new Promise((resolve) => {
    const finished = new AbortController();
    const on = (target, event, yes) =>
      target.addEventListener(
        event,
        (happened) => {
          happened.preventDefault();
          finished.abort();
          dialog.close();
          resolve(yes);
        },
        { signal: finished.signal },
      );
    on(byId(formId), "submit", true);
    on(byId(cancelId), "click", false);
    on(dialog, "cancel", false);
    dialog.showModal();
  });
}
