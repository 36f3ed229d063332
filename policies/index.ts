import { PolicyPack } from "@pulumi/policy";
import { rules } from "./rules.ts";

new PolicyPack("lifeline", {
  displayName: "Lifeline",
  description: "What must never be deployed, whatever the program says.",
  enforcementLevel: "mandatory",
  policies: rules,
});
