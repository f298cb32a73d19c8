/* Marks this device as one that many people use, such as a desk at a one-stop office; draft.js then keeps nothing on it.
 *
 * <p data-shared-device hidden> <input type="checkbox"> */

for (const place of document.querySelectorAll('[data-shared-device]')) {
  const box = place.querySelector('input');
  try {
    box.checked = !!localStorage.getItem('shared-device');
    place.hidden = false;
  } catch {}
  box.addEventListener('change', () => {
    if (!box.checked) return localStorage.removeItem('shared-device');
    localStorage.setItem('shared-device', 'yes');
    sessionStorage.removeItem('draft');
  });
}
