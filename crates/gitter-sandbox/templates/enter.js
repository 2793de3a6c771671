// Enter sends, as on Gitter; Shift and Enter begin a new line. Without this there is the button.
document.querySelector(".say textarea")?.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    event.target.form.requestSubmit();
  }
});
