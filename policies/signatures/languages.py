"""The override family in other languages: words that an ordinary request does not put together."""

from __future__ import annotations

FOREIGN = (
    r"\b(?:ignorier\w*|vergiss|vergessen sie|missacht\w*|ueberge\w*|übergeh\w*|überspring\w*|verwirf|verwerfen sie"
    r"|befolge?\w*|beachte\w*|umgeh\w*)(?: \w+){0,5} (?:anweisung\w*|instruktion\w*|regeln?|vorgaben?|befehle?"
    r"|richtlinien?|vorherig\w*|obig\w*|prompts?|vorher|zuvor|bisherig\w*|oben)\b",
    r"\b(?:neue (?:anweisung(?:en)?|aufgabe) ?:|du bist (?:jetzt|nun|ab jetzt) (?:ein|kein|dan|im|der|die|frei)\w*"
    r"|(?:zeig|nenn|verrat)\w* (?:\w+ ){0,2}(?:system ?prompt|anweisungen))\b",
    r"\b(?:ignore[rz]?|oublie[rz]?|negligez?|ne (?:tiens|tenez) (?:pas|plus|aucun)(?: \w+)? compte|ne sui(?:s|vez)"
    r" (?:pas|plus)|ne respecte[zs]? (?:pas|plus)|contourne[zr]?|abandonne[zr]?)(?: \w+){0,6} (?:instructions?"
    r"|consignes?|directives?|regles|ordres?|precedent\w*|ci ?dessus|avant|auparavant|prompt|fonction)\b",
    r"\b(?:nouvelles? (?:instructions?|consignes?|tache) ?:|(?:tu es|vous etes) (?:maintenant|desormais) (?:un|une"
    r"|le|la|dan|libre))\b",
    r"\b(?:ignor(?:a|e|ar|en)|olvid(?:a|e|ar|en|ate)|desestim[ae]r?|omit[ae]|descart[ae]r?|no (?:sigas|siga"
    r"|obedezcas|hagas caso)|haz caso omiso)(?: \w+){0,5} (?:instruccion(?:es)?|indicacion(?:es)?|reglas|ordenes"
    r"|directrices|anterior(?:es|mente)?|previ[ao]s?|antes|arriba|prompt)\b",
    r"\b(?:nuevas? (?:instruccion(?:es)?|tarea) ?:|(?:ahora eres|eres ahora) (?:un|una|el|la|dan|libre))\b",
    r"\b(?:ignora(?:re|te)?|dimentica(?:re|te)?|trascura(?:re)?|tralascia|scarta|non (?:seguire|rispettare"
    r"|considerare|tenere conto))(?: \w+){0,5} (?:istruzion[ei]|indicazion[ei]|regol[ae]|ordini|comandi|direttive"
    r"|precedent[ei]|sopra|prima|prompt)\b",
    r"\b(?:ignor(?:e|a|ar|em)|esque(?:ca|ce|cer|cam)|desconsider(?:e|a|ar)|desprez[ae]r?|nao (?:siga|obedeca"
    r"|cumpra))(?: \w+){0,5} (?:instruc(?:ao|oes)|instrucoes|regras|ordens|comandos|diretrizes|orientacoes"
    r"|anterior(?:es|mente)?|acima|antes|previ[ao]s|prompt)\b",
    r"\b(?:negeer|vergeet|sla over|volg(?: \w+)? niet)(?: \w+){0,5} (?:instructies?|aanwijzingen|regels|opdrachten"
    r"|voorgaande|vorige|eerdere|bovenstaande|hierboven|prompt|richtlijnen)\b",
    r"\b(?:ignorer|ignorera|glem|glom|bortse fran|se bort fra|unnlat)(?: \w+){0,5} (?:instruktion\w*|instruks\w*"
    r"|instruksjon\w*|anvisning\w*|regler\w*|regel\w*|tidigare|tidligere|foregaende|forrige|ovan|ovenstaende"
    r"|prompt)\b",
    r"\b(?:zignoruj|ignoruj|zapomnij|pomin|zlekcewaz|odrzuc|nie przestrzegaj)(?: \w+){0,5} (?:polecen\w*"
    r"|instrukcj\w*|zasad\w*|poprzedni\w*|wczesniejsz\w*|powyzsz\w*|wytyczn\w*)\b",
    r"\b(?:ignoruj\w*|zapomen\w*|nedbej\w*)(?: \w+){0,4} (?:pokyn\w*|instrukc\w*|pravidl\w*|predchoz\w*|prikaz\w*)\b",
    r"\b(?:ignora(?:ti)?|uita(?:ti)?)(?: \w+){0,4} (?:instructiuni\w*|regul\w*|anterioare|precedente|comenzi\w*)\b",
    r"\b(?:onceki|yukaridaki|daha onceki|tum|butun)(?: \w+){0,4} (?:talimat\w*|komut\w*|kural\w*|yonerge\w*)(?:"
    r" \w+){0,2} (?:yok say\w*|unut\w*|gormezden gel\w*|goz ardi et\w*|dikkate alma\w*)",
    r"\b(?:bo qua|phot lo|quen|đừng tuân theo)(?: \w+){0,6} (?:huong dan|chi dan|lenh|quy tac|chi thi|truoc)\b",
    r"\b(?:abaikan|lupakan|hiraukan)(?: \w+){0,4} (?:instruksi|perintah|aturan|arahan|sebelumnya|di atas)\b",
    r"\b(?:unohda|sivuuta|jata huomiotta|hagyd figyelmen kivul|felejtsd el)(?: \w+){0,4} (?:ohjee\w*|saann\w*"
    r"|aiem\w*|edelli\w*|utasitas\w*|szabaly\w*|korabbi\w*|elozo\w*)",
    r"(?:игнориру\w*|игнорируй|игнорировать|проигнорируй|забудь|забудьте|отмени|не следуй|не выполняй|не обращай"
    " внимания|пренебреги|ігноруй|ігноруйте|не слушай|отбрось).{0,40}(?:инструкци|указани|правил|команд"
    "|распоряжени|предыдущ|выше|раньше|прежде|промпт|вказівк|інструкц|говорили)",
    "(?:αγνοησ|ξεχασ|παραβλεψ|μην ακολουθησ).{0,40}(?:οδηγι|εντολ|κανον|προηγουμεν|παραπανω)",
    "(?:忽略|无视|無視|忽视|忽視|忘记|忘記|忘掉|不要理会|不要理會|别管|別管|不用管|抛开|拋開|跳过|跳過|丢弃|不要遵守|不要遵循|违反|覆盖).{0,12}(?:指令|指示|规则|規則|提示|要求|说明"
    "|說明|命令|设定|設定|对话|對話|之前|以上|上面|先前|前面|上述|约束|限制)",
    "(?:之前|以上|上面|先前|前面|上述|所有|原来).{0,8}(?:指令|指示|规则|規則|提示|说明|說明|命令|设定).{0,6}(?:作废|無效|无效|取消|失效|忽略|无视|無視)",
    "(?:指示|命令|ルール|規則|プロンプト|指令|制約|制限|説明|文章|これまで|以前|上記|前述|先ほど).{0,16}(?:無視|忘れ|破棄|無効|従わな|従うな|取り消)",
    "(?:無視して[、。,]|無視してください|無視しろ|無視せよ)",
    "(?:지시|명령|규칙|지침|프롬프트|이전|위의|앞의|앞서).{0,14}(?:무시|잊어|잊으|따르지|취소|버려)",
    "(?:تجاهل|انس|انسى|أهمل|لا تتبع|تخطى|نادیده).{0,30}(?:تعليمات|أوامر|قواعد|توجيهات|السابق|أعلاه|إرشادات|دستور)",
    "(?:निर्देश|आदेश|नियम|पिछल|ऊपर).{0,30}(?:अनदेखा|नज़रअंदाज|नजरअंदाज|भूल|उपेक्षा|ध्यान न)",
    "(?:ละเว้น|เพิกเฉย|ลืม|ไม่ต้องสนใจ|อย่าทำตาม).{0,20}(?:คำสั่ง|คำแนะนำ|กฎ|ก่อนหน้า|ข้างต้น)",
    "(?:התעלם|התעלמי|שכח|תשכח|אל תציית).{0,20}(?:הוראות|ההוראות|כללים|הקודמות|פקודות)",
)
