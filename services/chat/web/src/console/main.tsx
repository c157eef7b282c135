import { Shell } from "@candor/ui/components/shell.tsx";
import { staffPage } from "@candor/ui/staff.tsx";

staffPage(() => <Shell navigation={[]}>{(person) => <h1>{person.name}</h1>}</Shell>);
