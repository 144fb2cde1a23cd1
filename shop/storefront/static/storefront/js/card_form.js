/* The shop's colours, resolved, for the provider's card form, which lies in another document. */

export function appearance(form) {
  const probe = document.createElement("span");
  form.append(probe);
  const color = (token) => {
    probe.style.color = `var(--${token})`;
    return getComputedStyle(probe).color;
  };
  const variables = {
    colorBackground: color("surface"),
    colorText: color("ink"),
    colorTextSecondary: color("muted"),
    colorTextPlaceholder: color("muted"),
    colorPrimary: color("sea"),
    colorDanger: color("signal"),
    fontFamily: "Instrument Sans, system-ui, sans-serif",
    fontSizeBase: "17px",
    borderRadius: "3px",
    spacingUnit: "4px",
  };
  const edge = color("edge");
  probe.remove();
  return {
    theme: "stripe",
    variables,
    rules: {
      ".Input": { border: `1px solid ${edge}`, boxShadow: "none", padding: "11px 12px" },
      ".Input:focus": { border: `1px solid ${variables.colorPrimary}`, outline: `2px solid ${variables.colorPrimary}` },
      ".Input--invalid": { border: `1px solid ${variables.colorDanger}`, boxShadow: "none" },
      ".Label": { fontWeight: "550", fontSize: "14px" },
    },
  };
}
